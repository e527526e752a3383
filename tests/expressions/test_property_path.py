import pytest

from flowdrop_provider.errors import ExpressionError
from flowdrop_provider.expressions import evaluate, extract_all, property_path, validate

DATA = {"a": {"b": [{"c": 1}, {"c": None}]}, "x y": 2, "0": "zero", "s": "text", "f": False}


@pytest.mark.rule("LANG-17")
@pytest.mark.parametrize("path", ["a.b[0].c", "[a][b][0][c]", "a[b].0.c", "a.b.0.c", "a['b'][\"0\"].c", " a.b[0].c "])
def test_dots_and_brackets_are_interchangeable(path):
    assert property_path.read(path, DATA) == 1


@pytest.mark.rule("LANG-8")
@pytest.mark.parametrize("path", ["a.b[9].c", "s.length", "a.b.c", "nope", "a..b", "a[", "]", "a.b[-1]", "s.0"])
def test_unreadable_is_null_and_never_raises(path):
    assert property_path.read(path, DATA) is None
    assert property_path.exists(path, DATA) is False


@pytest.mark.rule("LANG-20")
def test_existence_answers_for_every_path():
    assert property_path.exists("", DATA)
    assert property_path.exists("a.b[1].c", DATA), "null is there"
    assert property_path.exists("f", DATA)
    assert not property_path.exists("a.b[2]", DATA)
    assert not property_path.exists("f.x", DATA), "a scalar has no properties"


@pytest.mark.rule("LANG-11")
@pytest.mark.parametrize("path", ["a..b", "a.", ".a", "a[", "a]", "a[]", "[a]b", "a.[b"])
def test_unparseable_paths_are_rejected_with_their_place(path):
    with pytest.raises(ExpressionError, match=r"line 1, column \d") as caught:
        validate("property_path", path)
    assert caught.value.code == "EXPR_SYNTAX"


@pytest.mark.rule("LANG-11")
@pytest.mark.parametrize("path", ["", "  ", "a", "a.b[0]", "[x y]", "a.0", "a-b.c_d", "ünï.$x"])
def test_parseable_paths_pass(path):
    validate("property_path", path)


@pytest.mark.rule("LANG-19")
@pytest.mark.parametrize(
    ("path", "found"), [("a.b[0].c", [1]), ("a.b", [{"c": 1}, {"c": None}]), ("a.b[1].c", []), ("q", []), ("f", [False])]
)
def test_extracting_all_always_gives_a_list(path, found):
    assert extract_all("property_path", path, DATA) == found


@pytest.mark.rule("LANG-16")
def test_a_text_that_is_json_is_parsed_first():
    assert evaluate("property_path", "a.b", '{"a": {"b": 3}}') == 3
    assert evaluate("property_path", "a", "null") is None
    assert evaluate("property_path", "a", "{broken") is None


def test_a_very_long_path_is_refused_not_walked():
    assert property_path.read("a." * 200_000 + "b", {}) is None
