import time
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowdrop_provider.errors import NodeError
from flowdrop_provider.nodes.api import NodeContext
from flowdrop_provider.nodes.markup import markdown_to_html


class _Reader(HTMLParser):
    """Collects what a browser would see."""

    def __init__(self, html):
        super().__init__(convert_charrefs=True)
        self.tags, self.text = [], ""
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text += data


def html_of(run_node, text, **config):
    return run_node("markdown_to_html", config, {"text": text})["html"]


@pytest.mark.rule("MD-1")
@pytest.mark.parametrize(
    "markup",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "a <b>c</b>",
        "<div>\n\n<iframe>\n</div>",
        "`<i>`",
        "<!-- c -->",
    ],
)
def test_source_markup_never_reaches_the_reader_as_markup(run_node, markup):
    reader = _Reader(html_of(run_node, markup))
    assert {tag for tag, _ in reader.tags} <= {"p", "code", "pre"}
    assert markup.strip("`").replace("\n", "") in reader.text.replace("\n", "")


@pytest.mark.rule("MD-2")
def test_text_is_encoded_exactly_once(run_node):
    assert html_of(run_node, "a < b & c > d") == "<p>a &lt; b &amp; c &gt; d</p>\n"
    assert html_of(run_node, "`<` &lt; \\<") == "<p><code>&lt;</code> &lt; &lt;</p>\n"


@pytest.mark.rule("MD-2")
def test_quotes_in_attributes_are_escaped(run_node):
    html = html_of(run_node, '[t](http://e.org/?a="b"&c=1 "x\\"y") ![a"b](http://e.org/i.png)')
    (_, (_, link), (_, image)) = _Reader(html).tags
    assert link["title"] == 'x"y'
    assert image["alt"] == 'a"b'
    assert '"x"y"' not in html


@pytest.mark.rule("MD-2")
@pytest.mark.parametrize(
    "link",
    [
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        "data:text/html,x",
        "vbscript:x",
        "&#106;avascript:alert(1)",
        "java\tscript:x",
    ],
)
def test_dangerous_schemes_are_stripped(run_node, link):
    for markdown in (f"[x]({link})", f"![x]({link})", f"<{link}>", f"[x][r]\n\n[r]: {link}"):
        values = [value or "" for _, attributes in _Reader(html_of(run_node, markdown)).tags for value in attributes.values()]
        assert not any("script:" in value.lower() or value.startswith("data:") for value in values)


def test_headings_lists_tables_and_strip_h1(run_node):
    text = "# One\n\n## Two\n\n- a\n- b\n\n| h |\n|---|\n| c |\n"
    assert "<h1>One</h1>" in html_of(run_node, text)
    stripped = html_of(run_node, text, strip_h1=True)
    assert "One" not in stripped
    assert {"h2", "ul", "li", "table", "td"} <= {tag for tag, _ in _Reader(stripped).tags}
    assert run_node("markdown_to_html", {}, {"text": text})["raw"] == text


@pytest.mark.rule("MD-1")
@given(text=st.text(alphabet="<>&\"'`*_[]()!#\\ab:/\n -", max_size=60))
def test_any_markdown_gives_known_tags_only(text):
    found = markdown_to_html.function({"text": text, "strip_h1": False}, NodeContext(node_id="n"))
    for tag, attributes in _Reader(found["html"]).tags:
        assert tag not in ("script", "iframe", "style")
        assert set(attributes) <= {"href", "title", "src", "alt", "start", "class"}


@pytest.mark.parametrize(
    ("config", "html", "markdown"),
    [
        ({}, "<h1>T</h1><p><b>b</b> <em>i</em></p>", "# T\n\n**b** *i*"),
        ({"bold_style": "__", "italic_style": "_"}, "<p><strong>b</strong> <i>i</i></p>", "__b__ _i_"),
        ({"heading_style": "setext"}, "<h1>T</h1>", "T\n="),
        ({}, '<a href="#">x</a>', "[x](#)"),
        ({"strip_placeholder_links": True}, '<a href="#">x</a> <a>y</a> <a href="/z">z</a>', "x y [z](/z)"),
        ({}, "<p>a</p><script>evil()</script><style>p{}</style>", "a"),
        ({}, "<ul><li>a</li><li>b</li></ul>", "* a\n* b"),
    ],
)
def test_html_to_markdown(run_node, config, html, markdown):
    assert run_node("html_to_markdown", config, {"html": html}) == {"markdown": markdown, "success": True}


def test_html_to_markdown_of_nothing(run_node):
    assert run_node("html_to_markdown", {}, {"html": " "}) == {"markdown": "", "success": False}


def test_markdown_extractor(run_node):
    text = "---\ntitle: FM\ntags: [a, b]\n---\nbefore\n\n# Hi *you*\n\nintro **b**\n\n## Next\ntext\n```\n# no\n```\n"
    found = run_node("markdown_extractor", {}, {"text": text})
    assert found["title"] == "Hi you"
    assert found["front_matter"] == {"title": "FM", "tags": ["a", "b"]}
    assert found["sections"] == [
        {"level": 1, "title": "Hi you", "content": "intro **b**"},
        {"level": 2, "title": "Next", "content": "text\n```\n# no\n```"},
    ]
    assert found["body"] == "before\n\nintro **b**\n\n## Next\ntext\n```\n# no\n```"
    assert found["plain_text"] == "before\n\nHi you\n\nintro b\n\nNext\n\ntext\n\n# no"
    assert found["raw"] == text


@pytest.mark.parametrize(
    "text", ["---\nnot closed\n", "---\n- list\n---\nx", "---\n{bad\n---\nx", "---\na: &a [*a]\n---\nx", "", None]
)
def test_markdown_extractor_without_front_matter(run_node, text):
    found = run_node("markdown_extractor", {}, {"text": text})
    assert found["front_matter"] == {}
    assert found["raw"] == (text or "")
    assert found["title"] == ""


@pytest.mark.parametrize(
    ("operation", "text"),
    [
        ("capitalize", " Héllo <b>World</b> It's "),
        ("uppercase", " HÉLLO <B>WORLD</B> IT'S "),
        ("lowercase", " héllo <b>world</b> it's "),
        ("trim", "héllo <b>World</b> it's"),
        ("strip_tags", " héllo World it's "),
    ],
)
def test_text_processor(run_node, operation, text):
    assert run_node("text_processor", {"operation": operation}, {"text": " héllo <b>World</b> it's "}) == {"text": text}


def test_text_processor_takes_scalars_and_refuses_structures(run_node):
    assert run_node("text_processor", {"operation": "trim"}, {"text": 5}) == {"text": "5"}
    assert run_node("text_processor") == {"text": ""}
    with pytest.raises(NodeError, match="must be a text"):
        run_node("text_processor", {}, {"text": [1]})


@pytest.mark.parametrize(
    ("processor", "name", "text"),
    [
        ("html_to_markdown", "html", "<div>" * 20_000),
        ("html_to_markdown", "html", "<" * 100_000),
        ("markdown_to_html", "text", "[" * 50_000),
        ("markdown_to_html", "text", ">" * 50_000),
        ("markdown_to_html", "text", "*a " * 20_000),
        ("markdown_extractor", "text", "---\n" * 20_000),
        ("text_processor", "text", "x" * 1_000_001),
    ],
)
def test_hostile_text_ends_soon(run_node, processor, name, text):
    started = time.process_time()
    try:
        run_node(processor, {}, {name: text})
    except NodeError as error:
        assert error.code == "limit_exceeded"  # noqa: PT017 -- either outcome is fine, hanging is not
    assert time.process_time() - started < 10
