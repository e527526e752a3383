import contextlib
import time

import pytest

from flowdrop_provider.errors import ExpressionError
from flowdrop_provider.expressions import evaluate, extract_all, is_jsonpath, validate

STORE = {"books": [{"t": "A", "p": 5}, {"t": "B", "p": 15}], "name": "x", "one": [1], "none": None}


@pytest.mark.rule("LANG-14")
def test_a_leading_dollar_makes_a_jsonpath():
    assert is_jsonpath("  $.a")
    assert not is_jsonpath("a.$")
    assert evaluate("jsonpath", " $.books[1].t ", STORE) == "B"
    assert evaluate("jsonpath", "books[1].t", STORE) == "B", "without it the path is a property path"


@pytest.mark.rule("LANG-15")
@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("$.name", "x"),
        ("$", STORE),
        ("$.one", [1]),
        ("$.one[*]", [1]),
        ("$.books[0:1].t", ["A"]),
        ("$.books[?@.p > 10].t", ["B"]),
        ("$..name", "x"),
        ("$..t", ["A", "B"]),
        ("$.books[0,1].p", [5, 15]),
        ("$.books[?match(@.t, '[AX]')].p", [5]),
        ("$.books[?search(@.t, 'B')].p", [15]),
        ("$.books[?length(@.t) == 1 && @.p < 6].p", [5]),
    ],
)
def test_one_match_is_unwrapped_unless_the_path_selects_many(path, value):
    assert evaluate("jsonpath", path, STORE) == value


@pytest.mark.rule("LANG-9")
@pytest.mark.parametrize("path", ["$.nope", "$.books[", "$[?", "$.a.", "$.books[?foo(@)]", "$." + "a" * 5000, "$^x"])
def test_no_match_and_bad_queries_give_the_default(path):
    assert evaluate("jsonpath", path, STORE) is None
    assert evaluate("jsonpath", path, STORE, default="d") == "d"


@pytest.mark.rule("LANG-9")
def test_bad_patterns_inside_a_query_match_nothing():
    assert extract_all("jsonpath", "$.books[?search(@.t, '(')]", STORE) == []


@pytest.mark.rule("LANG-16")
def test_a_text_context_is_parsed_when_it_is_json():
    assert evaluate("jsonpath", "$.a", '{"a": 1}') == 1
    assert evaluate("jsonpath", "$", "null") is None
    assert evaluate("jsonpath", "$", "plain {text") == "plain {text"
    assert evaluate("jsonpath", "$.a", "plain {text", default=0) == 0


@pytest.mark.rule("LANG-12")
def test_validation_passes_whatever_is_no_jsonpath():
    validate("jsonpath", "a..[b")
    validate("jsonpath", "$.a[?@.b == 'c']")
    with pytest.raises(ExpressionError, match="does not parse") as caught:
        validate("jsonpath", "$.a[")
    assert caught.value.code == "EXPR_SYNTAX"


@pytest.mark.parametrize(
    "path",
    ["$..*..*..*..zz", "$..[?@..[?@..[?@..q]]]", "$..*[?$..*[?$..*]]", "$.long[?search(@, '(a+)+$')]"],
)
def test_expensive_queries_stop_soon(path):
    tree = {"long": ["a" * 40 + "b"], "t": _tree(9)}
    started = time.process_time()
    with contextlib.suppress(ExpressionError):
        assert extract_all("jsonpath", path, tree) == []
    assert time.process_time() - started < 8


def _tree(depth):
    return {"l": _tree(depth - 1), "r": [_tree(depth - 1)]} if depth else 0


def test_deep_documents_and_deep_queries_do_not_overflow():
    deep = {}
    for _ in range(5000):
        deep = {"a": deep}
    assert extract_all("jsonpath", "$..b", deep) == []
    assert evaluate("jsonpath", "$" + "[?(@" * 300, deep) is None
