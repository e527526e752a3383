import datetime as dt

import pytest

from flowdrop_provider.errors import ExpressionError
from flowdrop_provider.expressions import twig, validate

NOW = dt.datetime(2026, 3, 4, 5, 6, 7, tzinfo=dt.timezone.utc)
CONTEXT = {
    "html": '<a href="x">\'&</a>',
    "city": " New York, NY ",
    "list": [3, 1, 2],
    "map": {"b": 2, "a": 1},
    "rows": [{"n": "x", "v": 2}, {"n": "y", "v": 1}, {"v": 0}],
    "nested": {"deep": {"er": [10, {"k": "v"}]}},
    "zero": 0,
    "no": False,
    "nil": None,
    "text": "héllo wörld",
    "code": 95,
}


def render(template, context=CONTEXT):
    return twig.render(template, context, now=NOW)


@pytest.mark.rule("LANG-7")
@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("{{ html }}", "&lt;a href=&quot;x&quot;&gt;&#039;&amp;&lt;/a&gt;"),
        ("{{ html|raw }}", CONTEXT["html"]),
        ("{% autoescape false %}{{ html }}{% endautoescape %}", CONTEXT["html"]),
        ("{% autoescape %}{{ html|raw }}{% endautoescape %}", CONTEXT["html"]),
        ("{% autoescape 'js' %}{{ '<' ~ 'a' }}{% endautoescape %}{{ '<' ~ 'a' }}", "\\u003Ca&lt;a"),
        ("{{ html|escape|length }}", "49"),
        ("{{ html|e }}", "&lt;a href=&quot;x&quot;&gt;&#039;&amp;&lt;/a&gt;"),
        ("{{ '<b>' }}{{ no ? '<i>' : '<u>' }}", "<b><u>"),
        ("{{ '<b>' ~ '' }}{{ html ?: '' }}", "&lt;b&gt;&lt;a href=&quot;x&quot;&gt;&#039;&amp;&lt;/a&gt;"),
        ("{{ html|raw|lower|slice(0, 2) }}", "&lt;a"),
        ("{% set x = html|raw %}{{ x|first }}", "&lt;"),
        ("{% set x %}<b>{{ '<' ~ 1 }}</b>{% endset %}{{ x }}", "<b>&lt;1</b>"),
        ("a & b < c", "a & b < c"),
    ],
)
def test_values_are_escaped_unless_raw(template, text):
    assert render(template) == text


@pytest.mark.rule("LANG-7")
@pytest.mark.parametrize(
    "template", ["{{ q }}", "{{ q.r.s[0] }}", "{{ list.x }}", "{{ nil.x }}", "{{ text.x }}", "{{ list[9] }}"]
)
def test_a_missing_variable_is_empty(template):
    assert render(template) == ""


@pytest.mark.rule("LANG-7")
def test_the_result_is_always_a_text():
    assert render("{{ 1 }}") == "1"
    assert render("{{ true }}{{ false }}{{ null }}{{ 1.0 }}{{ 1.5 }}{{ 1e30 }}{{ list }}") == "111.51.0E+30Array"
    assert type(render("{% set a %}x{% endset %}{{ a }}")) is str


@pytest.mark.rule("LANG-7")
def test_compile_and_render_failures_differ():
    with pytest.raises(ExpressionError, match=r"line 2, column 5") as caught:
        render("a\n{{ + }}")
    assert caught.value.code == "EXPR_SYNTAX"
    with pytest.raises(ExpressionError, match="Division by zero") as caught:
        render("{{ 1 / zero }}")
    assert caught.value.code == "EXPR_EVALUATION"


@pytest.mark.rule("LANG-13")
def test_validation_compiles_only():
    validate("twig", "{{ 1 / 0 }}{{ unknown.x|sort }}")
    for wrong in ("{{ x", "{% if %}", "{{ x|nope }}", "{{ nope() }}", "{{ x is nope }}", "{% nope %}", "{% for x %}"):
        with pytest.raises(ExpressionError) as caught:
            validate("twig", wrong)
        assert caught.value.code == "EXPR_SYNTAX"


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("{% if zero %}a{% elseif list %}b{% else %}c{% endif %}", "b"),
        ("{% if '0' or [] or '' or nil %}a{% else %}c{% endif %}", "c"),
        ("{% for i in 1..3 %}{{ loop.index0 }}{{ i }}{{ loop.last ? '.' : ',' }}{% endfor %}", "01,12,23."),
        ("{% for k, v in map %}{{ k }}{{ v }}{{ loop.revindex }}{% endfor %}", "b22a11"),
        ("{% for x in nil %}a{% else %}none{% endfor %}", "none"),
        ("{% for a in 1..2 %}{% for b in 1..2 %}{{ loop.parent.loop.index }}{{ b }} {% endfor %}{% endfor %}", "11 12 21 22 "),
        ("{% set s = 0 %}{% for i in list %}{% set s = s + i %}{% set t = 1 %}{% endfor %}{{ s }}{{ t }}", "6"),
        ("{% for i in list %}{% endfor %}{{ i }}{{ loop }}", ""),
        ("{% set a, b = 1, 2 %}{{ b }}{{ a }}", "21"),
        (
            "{% set m = {0: 'x', 95: 'storm', k: 1, (text): 2, zero} %}{{ m[code] }}{{ m.k }}{{ m[text] }}{{ m.zero }}",
            "storm120",
        ),
        ("{{ {0: 'a', 1: 'b'}|json_encode|raw }}{{ ['c']|json_encode|raw }}", '["a","b"]["c"]'),
        ("{% with {q: 1} %}{{ q }}{{ zero }}{% endwith %}{{ q }}{% with {q: 2} only %}{{ q }}{{ zero }}{% endwith %}", "102"),
        ("{% apply upper|replace({'A': '-'}) %}<a>{{ '<' ~ 1 }}{% endapply %}", "<->&LT;1"),
        ("{% do list|sort %}x", "x"),
        ("{% verbatim %}{{ a }}{% if %}{% endverbatim %}b", "{{ a }}{% if %}b"),
        ("a{# {{ b #}c", "ac"),
        ("a \n {{- 1 -}} \n b", "a1b"),
        ("a \n {{~ 1 ~}} \n b", "a \n1\n b"),
        ("{% if 1 %}\nx\n{% endif %}\ny", "x\ny"),
        ("{{ 1 }}\ny", "1\ny"),
        ("{%- set a = 1 -%}  x", "x"),
        ("{{ \"a#{1 + 2}b#{text}\" }}{{ '#{1}' }}", "a3bhéllo wörld#{1}"),
    ],
)
def test_tags_and_whitespace(template, text):
    assert render(template) == text


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        ("city|split(',')|first|trim|url_encode", "New%20York"),
        ("'a,b,c'|split(',', 2)|last", "b,c"),
        ("'a,b,c'|split(',', -1)|join('+')", "a+b"),
        ("'abcd'|split('', 2)|join('-')", "ab-cd"),
        ("text|upper ~ text|title ~ text|capitalize", "HÉLLO WÖRLDHéllo WörldHéllo wörld"),
        ("' x '|trim(side='left') ~ '|' ~ 'xax'|trim('x')", "x |a"),
        ("'Hi %name%'|replace({'%name%': 'Bo', 'Bo': 'no'})", "Hi Bo"),
        ("'ab'|replace({'a': 'b', 'ab': 'x'})", "x"),
        ("list|sort|join(', ', ' and ') ~ list|length ~ text|length", "1, 2 and 3311"),
        ("list|sort((a, b) => b <=> a)|first", "3"),
        ("rows|sort((a, b) => a.v <=> b.v)|map(r => r.n)|join('')", "yx"),
        ("rows|filter(r => r.v > 0)|column('n')|join", "xy"),
        ("map|filter((v, k) => k == 'a')|keys|first", "a"),
        ("list|reduce((carry, v) => carry + v, 10)", "16"),
        ("rows|find(r => r.v == 1).n", "y"),
        ("list|merge([9])|last ~ map|merge({c: 3})|length", "93"),
        ("list|reverse|join ~ text|reverse|slice(0, 2) ~ list[1:]|join ~ list[:1]|join ~ text[-2:]", "213dl123ld"),
        ("range(1, 7)|batch(3, 'x')|last|join", "7xx"),
        ("range(10, 0, 5)|join(',')", "10,5,0"),
        ("q|default('d') ~ q.r|default('e') ~ ''|default('f') ~ zero|default('g') ~ (q ?? 'h')", "def0h"),
        ("-5|abs ~ ' ' ~ (-5)|abs", "-5 5"),
        ("2.5|round ~ (-2.5)|round ~ 1.005|round(2) ~ 2.1|round(0, 'ceil') ~ 1234|round(-2)", "3-31.0131200"),
        ("9800.333|number_format ~ ' ' ~ 9800.335|number_format(2, ',', '.') ~ ' ' ~ (-0.1)|number_format", "9,800 9.800,34 0"),
        ("'%05.1f %s %d %x %%'|format(3.14159, 'x', '7', 255)", "003.1 x 7 ff %"),
        ("'2026-01-05'|date('D, j M Y') ~ ' ' ~ 0|date('c')", "Mon, 5 Jan 2026 1970-01-01T00:00:00+00:00"),
        ("'now'|date('Y-m-d H:i:s') ~ ' ' ~ ''|date('N')", "2026-03-04 05:06:07 3"),
        ("'2026-07-01T12:00:00Z'|date('H:i T', 'Europe/Zurich')", "14:00 CEST"),
        ("date('2026-01-02') < date('2026-01-03') ? 'before' : 'after'", "before"),
        ("{a: 'é/<'}|json_encode", '{"a":"\\u00e9\\/<"}'),
        ("{a: 'é/<'}|json_encode(constant('JSON_UNESCAPED_UNICODE') b-or constant('JSON_UNESCAPED_SLASHES'))", '{"a":"é/<"}'),
        ("'<p>a <b>b</b><!-- c --> 1 < 2'|striptags", "a b 1 < 2"),
        ("{a: 1, b: 'x y'}|url_encode", "a=1&b=x%20y"),
        ("max(list) ~ min(3, 1) ~ max({a: 7})", "317"),
        ("cycle(['a', 'b'], 3) ~ attribute(map, 'b')", "b2"),
        ("q is defined ? 1 : 2", "2"),
        ("nested.deep.er[1].k is defined ? 1 : 2", "1"),
        ("nested.deep.er[2].k is not defined ? 1 : 2", "1"),
        ("[[] is empty, '' is empty, zero is empty, nil is null, q is null]|map(v => v ? 1 : 0)|join", "11011"),
        ("[3 is odd, 4 is even, 9 is divisible by(3)]|json_encode", "[true,true,true]"),
        ("[1 is same as(1.0), list is iterable, map is mapping]|json_encode", "[false,true,true]"),
        ("not 'x' is empty and 'b' in 'abc' and 2 in list and 5 not in list ? 1 : 2", "1"),
        ("'' in nil ? 1 : 2", "2"),
        ("list has some v => v > 2 ? 1 : 2", "1"),
        ("list has every (v => v > 2) ? 1 : 2", "2"),
        ("'abc' matches '/^A/i' ? 1 : 2", "1"),
        ("5 // 2 ~ 7 % 4 ~ 2 ** 3 ~ -7 // 2", "238-4"),
        ("1 <=> 2", "-1"),
        ("6 b-and 3 b-or 8", "10"),
        ("zero ? 'y'", ""),
        ("nested['deep'].er.0 ~ nested.deep.er[1]['k']", "10v"),
        ("html|nl2br|length > 0 ? 'ok'", "ok"),
        ("('weather-' ~ 'A b')|lower|replace({' ': '-'})|json_encode", '"weather-a-b"'),
    ],
)
def test_expressions_filters_functions_and_tests(expression, text):
    assert render("{% autoescape false %}{{ " + expression + " }}{% endautoescape %}") == text


@pytest.mark.parametrize(
    ("template", "hint"),
    [
        ("{{ x|lenght }}", "Did you mean 'length'?"),
        ("{% include 'a' %}", "Known: apply, autoescape, do, for, if, set, with."),
        ("{{ x", "Add the closing }} or %}."),
        ("{# x", "Add the closing #}."),
        ("{% verbatim %}", "Add {% endverbatim %}."),
        ("{{ a.b() }}", "Data has keys and indexes only; use a function or a filter."),
    ],
)
def test_an_error_says_what_to_do(template, hint):
    with pytest.raises(ExpressionError) as caught:
        render(template)
    assert caught.value.hint == hint


@pytest.mark.parametrize(
    "template",
    [
        "{{ nil|sort }}",
        "{{ 5|map(v => v) }}",
        "{{ list|sort(5) }}",
        "{{ 'x'|date }}",
        "{{ 1|date('Y', 'Nowhere/X') }}",
        "{{ list|batch(0) }}",
        "{{ range(1, 2, 0) }}",
        "{{ constant('PHP_OS') }}",
        "{{ x|escape('css') }}",
        "{{ list|merge(5) }}",
        "{{ 1|round(1, 'x') }}",
        "{{ 'a'|trim('a', 'x') }}",
        "{{ list|first(1, 2, 3) }}",
        "{{ 'a'|replace('b') }}",
        "{{ x|default(y=1) }}",
        "{{ [] + 1 }}",
        "{{ 5 has some v => v }}",
        "{{ v => v }}",
        "{{ [v => v]|json_encode }}",
        "{% with 5 %}{% endwith %}",
        "{{ {(list): 1} }}",
    ],
)
def test_wrong_arguments_are_render_errors(template):
    with pytest.raises(ExpressionError) as caught:
        render(template)
    assert caught.value.code == "EXPR_EVALUATION"


def test_a_template_does_not_change_its_context():
    context = {"a": [1], "m": {"k": 1}}
    render("{% set a = a|merge([2]) %}{% set m = m|merge({k: 2}) %}{% for m in a %}{% endfor %}", context)
    assert context == {"a": [1], "m": {"k": 1}}
