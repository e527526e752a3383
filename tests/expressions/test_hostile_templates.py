"""Templates written to break out or to burn a worker; several are known escapes of other template engines."""

import contextlib
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flowdrop_provider.errors import ExpressionError
from flowdrop_provider.expressions import ENGINES, evaluate, extract_all, twig

ESCAPES = [
    "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "{{ x.__class__ }}{{ x['__class__'] }}{{ attribute(x, '__class__') }}{{ x|attr('__class__') }}",
    "{{ self.__init__.__globals__.__builtins__ }}",
    "{{ cycler.__init__.__globals__.os.popen('id').read() }}",
    "{{ lipsum.__globals__['os'].popen('id').read() }}",
    "{{ namespace.__init__.__globals__ }}",
    "{{ config.__class__.__init__.__globals__ }}",
    "{{ request.application.__globals__.__builtins__.__import__('os') }}",
    "{{ '{0.__class__}'|format(x) }}{{ '%(a)s'|format({a: 1}) }}{{ '{x.__class__}'.format(x=x) }}",
    "{{ ['id']|filter('system')|join(',') }}",
    "{{ ['id']|map('system')|join }}{{ ['id', '']|sort('system') }}{{ [0]|reduce('system', 'id') }}",
    "{{ _self.env.registerUndefinedFilterCallback('exec') }}{{ _self.env.getFilter('id') }}",
    "{{ ['cat /etc/passwd']|map('passthru') }}",
    "{{ source('/etc/passwd') }}{{ include('/etc/passwd') }}{{ dump() }}",
    "{{ constant('PHP_VERSION') }}{{ constant('DB_PASSWORD') }}",
    "{% import 'os' as os %}{% from 'os' import system %}{% extends '/etc/passwd' %}",
    "{{ (x => x.__globals__)(1) }}{{ (x => x).__code__ }}",
    "{{ [x => x][0].__globals__ }}{{ [x => x]|first|json_encode }}",
    "{{ range.__globals__ }}{{ max.__self__ }}{{ loop.__class__ }}",
    "{{ x|e('html')|attr }}{{ x|map(attribute='__class__') }}",
    "{{ this.constructor.constructor('return process')().env }}",
    "${{ secrets.KEY }}{{ env.HOME }}{{ process.env }}{{ $env }}",
    "{{ \u0000 }}{{ '\ud800' }}",
]

BOMBS = [
    "{% for i in 0..1000000000 %}{% endfor %}",
    "{% for i in 1..50000 %}{% for j in 1..50000 %}{{ i }}{% endfor %}{% endfor %}",
    "{% set s = 'a' %}{% for i in 1..99 %}{% set s = s ~ s %}{% endfor %}{{ s }}",
    "{% set l = [1] %}{% for i in 1..99 %}{% set l = [l, l] %}{% endfor %}{{ l|json_encode }}",
    "{% set l = [1] %}{% set m = [1] %}{% for i in 1..60 %}{% set l = [l, l] %}{% set m = [m, m] %}{% endfor %}{{ l == m }}",
    "{% set l = [1] %}{% for i in 1..60 %}{% set l = [l, l] %}{% endfor %}{{ l in [l] }}{{ l is same as(l) }}{{ [l, l]|sort }}",
    "{% set l = 1..1000 %}{% for i in 1..1000 %}{% set l = l|merge(l) %}{% endfor %}",
    "{{ 10 ** 10 ** 10 }}{{ 9 ** 999999 }}",
    "{{ '%999999999d'|format(1) }}{{ '%999d'|format(1)|length }}",
    "{{ 1|number_format(999999999) }}{{ 1|round(999999999) }}",
    "{{ 'a'|replace({'a': 'b'})|split('')|batch(1, 'x')|length }}",
    "{% set s = 'a' %}{% for i in 1..17 %}{% set s = s ~ s %}{% endfor %}{{ s matches '/(a+)+$/' }}",
    "{% set s = 'a' %}{% for i in 1..17 %}{% set s = s ~ s %}{% endfor %}{{ s matches '/(a|aa)+b/' }}",
    "{% set s = '' %}{% for i in 1..99999 %}{% set s = s ~ 'abcdefghij' %}{{ s|upper|length }}{% endfor %}",
    "{% set m = {} %}{% for i in 1..90000 %}{% set m = m|merge({(i): i}) %}{% endfor %}",
    "{{ (1..90000)|map(a => (1..90000)|length)|length }}",
    "{{ (1..9999)|sort((a, b) => (1..9999)|length) }}",
    "{{ (1..9999)|filter(a => a in 1..9999)|length }}",
    "{{ " + "(" * 5000 + "1" + ")" * 5000 + " }}",
    "{{ " + "-" * 5000 + "1 }}",
    "{{ 1" + "|abs" * 5000 + " }}",
    "{{ a" + ".b" * 5000 + " }}",
    "{{ 1" + " ~ 1" * 5000 + " }}",
    "{% if 1 %}" * 3000 + "{% endif %}" * 3000,
    "{% if 1 %}" + "{% elseif 1 %}" * 3000 + "{% endif %}",
    "{{" * 50_000,
    "{#" * 50_000,
    "{% verbatim %}" * 10_000,
    "{{ '" + "\\" * 50_000,
    "<" * 100_000 + "{{ x }}",
    "{% set s = '<' %}{% for i in 1..17 %}{% set s = s ~ s %}{% endfor %}{{ s|striptags|length }}{{ s|title|length }}",
    "x" * 300_000,
]


@pytest.mark.parametrize("template", ESCAPES)
def test_nothing_but_the_given_values_is_in_reach(template):
    with contextlib.suppress(ExpressionError):
        text = twig.render(template, {"x": "value", "f": {"g": 1}})
        assert not any(sign in text for sign in ("<class", "function", "built-in", "object at", "root:", "uid=", "module"))


@pytest.mark.parametrize("template", BOMBS, ids=lambda template: template[:50])
def test_bombs_end_soon_and_small(template):
    started = time.process_time()
    with contextlib.suppress(ExpressionError):
        assert len(twig.render(template, {"x": 1})) <= 2_000_000
    assert time.process_time() - started < 8


def test_the_clock_ends_what_the_step_count_does_not_see(monkeypatch):
    monkeypatch.setattr("flowdrop_provider.expressions.limits.MAX_SECONDS", 0.0)
    with pytest.raises(ExpressionError, match="seconds") as caught:
        twig.render("{% for i in 1..5000 %}{{ i }}{% endfor %}", {})
    assert caught.value.code == "EXPR_LIMIT"


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
    | st.just("\ud800"),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)
NAMES = st.sampled_from(["a", "b", "data", "loop", "_self"])
VALUES = st.sampled_from(["1", "0", "'x'", '"y#{a}"', "[1, a]", "{k: b}", "null", "true", "1.5", "''", "a.b", "b[0]", "a ?? b"])
OPERATORS = [
    "+",
    "-",
    "*",
    "/",
    "%",
    "**",
    "~",
    "..",
    "==",
    "<",
    "and",
    "or",
    "in",
    "not in",
    "matches",
    "starts with",
    "??",
    "?:",
    "<=>",
    "is",
]
FILTERS = sorted(
    {
        "abs",
        "batch(2)",
        "capitalize",
        "column('a')",
        "date",
        "default('d')",
        "e",
        "first",
        "format(1)",
        "join(',')",
        "json_encode",
        "keys",
        "last",
        "length",
        "lower",
        "map(v => v)",
        "merge([1])",
        "nl2br",
        "number_format(2)",
        "raw",
        "replace({a: b})",
        "reverse",
        "round(1)",
        "slice(1, 2)",
        "sort",
        "sort((a, b) => b <=> a)",
        "split(',')",
        "striptags",
        "title",
        "trim",
        "upper",
        "url_encode",
        "filter(v => v)",
        "reduce((c, v) => c ~ v)",
    }
)
EXPRESSIONS = st.recursive(
    NAMES | VALUES,
    lambda inner: (
        st.builds("({} {} {})".format, inner, st.sampled_from(OPERATORS), inner)
        | st.builds("{}|{}".format, inner, st.sampled_from(FILTERS))
        | st.builds("({} ? {} : {})".format, inner, inner, inner)
        | st.builds("{}[{}]".format, inner, inner)
    ),
    max_leaves=8,
)


@settings(max_examples=300, deadline=5000)
@given(expression=EXPRESSIONS, context=st.dictionaries(NAMES, JSON))
def test_any_template_renders_a_text_or_raises_an_expression_error(expression, context):
    with contextlib.suppress(ExpressionError):
        text = twig.render(
            f"{{% set z = {expression} %}}{{% for k, v in z %}}{{{{ k }}}}{{{{ v }}}}{{% endfor %}}{{{{ z }}}}", context
        )
        assert isinstance(text, str)


@settings(max_examples=300, deadline=5000)
@given(engine=st.sampled_from(ENGINES), expression=EXPRESSIONS | st.text(max_size=40), context=JSON)
def test_any_expression_gives_a_value_or_an_expression_error(engine, expression, context):
    with contextlib.suppress(ExpressionError):
        value = evaluate(engine, expression, context)
        assert value is None or isinstance(value, bool | int | float | str | list | dict)


@settings(max_examples=200, deadline=5000)
@given(path=st.text(alphabet="$.*[]?@'\"abc012:,()<>=!&| -", max_size=30), context=JSON)
def test_any_path_gives_a_list_or_an_expression_error(path, context):
    with contextlib.suppress(ExpressionError):
        assert isinstance(extract_all("jsonpath", path, context), list)
        assert isinstance(extract_all("property_path", path, context), list)
