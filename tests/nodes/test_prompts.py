import datetime as dt

import pytest

from flowdrop_provider.errors import NodeError
from flowdrop_provider.nodes.world import World


@pytest.mark.rule("LANG-7")
@pytest.mark.parametrize(
    ("config", "inputs", "prompt"),
    [
        ({"template": "Hi {{ name }}!"}, {"variables": {"name": "<Ada>"}}, "Hi &lt;Ada&gt;!"),
        ({"template": "Hi {{name}}{{nobody}}!"}, {"variables": {"name": "Ada"}}, "Hi Ada!"),
        ({"template": "Hi {{name}}!"}, {}, "Hi !"),
        ({"template": "In {{ variables }}."}, {"variables": "French"}, "In French."),
        ({"template": "{{ variables|json_encode|raw }}"}, {"variables": {"a": 1}}, '{"a":1}'),
        ({"template": "{{a}}", "dynamicInputs": [{"name": "a"}]}, {"a": "{{ b }}"}, "{{ b }}"),
        ({"template": "{{ a|raw }}{{ b }}", "dynamicInputs": [{"name": "a"}, {"name": "b"}]}, {"a": "<"}, "<"),
        ({"template": "Static."}, {}, "Static."),
        ({"template": ""}, {}, ""),
        ({}, {}, ""),
        ({"template": "{{ 'now'|date('Y') }}"}, {}, "2026"),
    ],
)
def test_twig_renders_the_prompt(run_node, config, inputs, prompt):
    world = World(now=lambda: dt.datetime(2026, 1, 1, tzinfo=dt.timezone.utc))
    found = run_node("prompt_template", config, inputs, world=world)
    assert found["prompt"] == prompt
    assert found["template"] == config.get("template", "")


@pytest.mark.rule("LANG-26", "LANG-29")
@pytest.mark.parametrize(
    ("template", "code"),
    [("{% if %}", "template_invalid"), ("{{ site_function() }}", "template_invalid"), ("{{ 1 / 0 }}", "template_failed")],
)
def test_a_failing_template_fails_the_node_and_keeps_the_cause(run_node, template, code):
    with pytest.raises(NodeError) as caught:
        run_node("prompt_template", {"template": template})
    assert caught.value.code == code
    assert caught.value.__cause__.code == caught.value.details["reason"]


@pytest.mark.parametrize(
    ("config", "inputs", "prompt"),
    [
        ({"template": "{{name}}", "variables": {"name": "cfg"}}, {"name": "inp"}, "cfg"),
        ({"template": "{{a}} {{b}}"}, {"a": "x"}, "x {{b}}"),
        ({"template": "{{a}}", "variables": {"a": "{{b}}"}}, {"b": "in"}, "in"),
        ({"template": "{{ a }}<", "variables": {"a": "x"}}, {}, "{{ a }}<"),
        ({"template": "{{0}}", "variables": ["context"]}, {}, "context"),
        ({"template": "{{a}}", "variables": None}, {"a": "&"}, "&"),
    ],
)
def test_first_generation_documents_keep_plain_substitution(run_node, config, inputs, prompt):
    assert run_node("prompt_template", config, inputs)["prompt"] == prompt


@pytest.mark.parametrize("value", [5, 1.5, True, None, ["x"], {}])
def test_first_generation_values_must_be_text(run_node, value):
    with pytest.raises(NodeError) as caught:
        run_node("prompt_template", {"template": "{{n}}"}, {"n": value})
    assert caught.value.code == "wrong_type"


@pytest.mark.parametrize("config", [{"template": 5}, {"template": ["x"]}, {"template": "x", "variables": "no"}])
def test_wrong_configuration_types_are_node_errors(run_node, config):
    with pytest.raises(NodeError) as caught:
        run_node("prompt_template", config)
    assert caught.value.code == "wrong_type"


def test_substitution_cannot_grow_without_end(run_node):
    doubling = {f"v{index}": f"{{{{v{index + 1}}}}}" * 2 for index in range(60)}
    with pytest.raises(NodeError) as caught:
        run_node("prompt_template", {"template": "{{v0}}", "variables": doubling})
    assert caught.value.code == "limit_exceeded"
