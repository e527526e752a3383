"""Markdown and HTML: converting between them, taking Markdown apart, and small text utilities."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from flowdrop_provider.errors import DocumentError, NodeError
from flowdrop_provider.expressions.twig_text import strip_tags
from flowdrop_provider.nodes._evaluation import require_text
from flowdrop_provider.nodes.api import NodeContext, Outputs, Params, output, param, processor

__all__ = ["html_to_markdown", "markdown_extractor", "markdown_to_html", "text_processor"]

_MAX_TEXT = 1_000_000
_FRONT_MATTER = re.compile(r"\A\ufeff?---[ \t]*\r?\n(.*?)^(?:---|\.\.\.)[ \t]*(?:\r?\n|\Z)", re.DOTALL | re.MULTILINE)
_WORD_START = re.compile(r"(^|[\s])(\S)")
_SCHEMES = {"http", "https", "mailto", "tel"}
_TAGS = {
    *("p", "br", "hr", "h1", "h2", "h3", "h4", "h5", "h6", "strong", "em", "s", "del", "code", "pre", "blockquote"),
    *("ul", "ol", "li", "a", "img", "table", "thead", "tbody", "tr", "th", "td"),
}
_ATTRIBUTES = {"a": {"href", "title"}, "img": {"src", "alt", "title"}, "ol": {"start"}, "code": {"class"}}


def _text(params: Params, name: str) -> str:
    text = require_text(params, name)
    if len(text) > _MAX_TEXT:
        raise NodeError(f"The {name} is longer than {_MAX_TEXT:,} characters.", code="limit_exceeded")
    return text


@processor(
    "html_to_markdown",
    label="HTML to Markdown",
    category="data",
    description="Turns HTML into Markdown.",
    parameters=[
        param("html", connectable=True),
        param("heading_style", configurable=True, default="atx", enum=("atx", "atx_closed", "setext"), title="Headings"),
        param("bold_style", configurable=True, default="**", enum=("**", "__"), title="Bold"),
        param("italic_style", configurable=True, default="*", enum=("*", "_"), title="Italic"),
        param("strip_placeholder_links", "boolean", configurable=True, default=False, title="Drop links that lead nowhere"),
    ],
    outputs=[output("markdown", "string"), output("success", "boolean")],
)
def html_to_markdown(params: Params, context: NodeContext) -> Outputs:  # noqa: ARG001
    """Return the Markdown; ``success`` is false for empty HTML."""
    html = _text(params, "html")
    try:
        markdown = _converter(params).convert(html).strip()
    except RecursionError as error:
        raise NodeError("The HTML nests too deeply.", code="limit_exceeded") from error
    return {"markdown": markdown, "success": bool(html.strip())}


def _converter(params: Params) -> Any:
    import markdownify

    # The library's type stub leaves both names out.
    inline: Any = vars(markdownify)["abstract_inline_conversion"]
    base: Any = markdownify.MarkdownConverter

    class Converter(base):  # type: ignore[misc]
        """Markdownify with separate marks for bold and italic."""

        convert_b = convert_strong = inline(lambda _self: params["bold_style"] or "**")
        convert_i = convert_em = inline(lambda _self: params["italic_style"] or "*")

        def convert_script(self, el: Any, text: str, parent_tags: Any) -> str:  # noqa: ARG002 -- the library's signature
            """Leave out what is code, not content."""
            return ""

        convert_style = convert_script

        def convert_a(self, el: Any, text: str, parent_tags: Any) -> str:
            """Keep only the text of a link that leads nowhere, when the author asked for it."""
            nowhere = (el.get("href") or "#").strip() == "#"
            return text if nowhere and params["strip_placeholder_links"] else str(super().convert_a(el, text, parent_tags))

    style = "underlined" if params["heading_style"] == "setext" else params["heading_style"] or "atx"
    return Converter(heading_style=style)


@processor(
    "markdown_to_html",
    label="Markdown to HTML",
    category="data",
    description="Turns Markdown into safe HTML.",
    parameters=[
        param("text", connectable=True),
        param("strip_h1", "boolean", configurable=True, default=False, title="Leave out first-level headings"),
    ],
    outputs=[output("html", "string"), output("raw", "string")],
)
def markdown_to_html(params: Params, context: NodeContext) -> Outputs:  # noqa: ARG001
    """Return the HTML and the source; markup in the source shows as text, once encoded (MD-1, MD-2).

    Links and images with a scheme other than http, https, mailto or tel lose it.
    """
    import nh3

    text = _text(params, "text")
    parser = _markdown()
    tokens = parser.parse(text)
    if params["strip_h1"]:
        tokens = _without_first_level(tokens)
    html = parser.renderer.render(tokens, parser.options, {})
    safe = nh3.clean(html, tags=_TAGS, attributes=_ATTRIBUTES, url_schemes=_SCHEMES, link_rel=None)
    return {"html": safe, "raw": text}


def _markdown() -> Any:
    from markdown_it import MarkdownIt

    return MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])


def _without_first_level(tokens: list[Any]) -> list[Any]:
    kept: list[Any] = []
    inside = False
    for token in tokens:
        opens, closes = (token.type == kind and token.tag == "h1" for kind in ("heading_open", "heading_close"))
        inside = inside or opens
        if not inside:
            kept.append(token)
        inside = inside and not closes
    return kept


@processor(
    "markdown_extractor",
    label="Markdown Extractor",
    category="data",
    description="Takes title, body, sections and front matter out of Markdown.",
    parameters=[param("text", connectable=True)],
    outputs=[
        output("title", "string"),
        output("body", "string"),
        output("sections", "array"),
        output("front_matter", "object"),
        output("plain_text", "string"),
        output("raw", "string"),
    ],
)
def markdown_extractor(params: Params, context: NodeContext) -> Outputs:  # noqa: ARG001
    """Return the parts; a section is ``{level, title, content}`` and ends at the next heading of any level.

    The title is the first first-level heading, else the front matter's ``title``; the body is everything else.
    """
    raw = _text(params, "text")
    matter, content = _front_matter(raw)
    lines = content.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    headings = _headings(content)
    first = next((heading for heading in headings if heading[1] == 1), None)
    title = first[2] if first else str(matter.get("title") or "")
    parts = [lines[: first[0]], lines[first[3] :]] if first else [lines]
    return {
        "title": title,
        "body": "\n\n".join(filter(None, ("\n".join(part).strip() for part in parts))),
        "sections": _sections(lines, headings),
        "front_matter": matter,
        "plain_text": _plain(content),
        "raw": raw,
    }


def _front_matter(text: str) -> tuple[dict[str, Any], str]:
    """Return the front matter and the text behind it; what is no YAML map is text like any other."""
    from flowdrop_provider.document.parsing import parse

    match = _FRONT_MATTER.match(text)
    if match is None:
        return {}, text
    try:
        matter = parse(match.group(1).encode(), "front-matter.yml")
    except DocumentError:
        return {}, text
    return (matter, text[match.end() :]) if isinstance(matter, dict) else ({}, text)


def _headings(content: str) -> list[tuple[int, int, str, int]]:
    """Return line, level, text and end line of each top-level heading."""
    tokens = _markdown().parse(content)
    return [
        (token.map[0], int(token.tag[1]), _inline_text(tokens[index + 1]), token.map[1])
        for index, token in enumerate(tokens)
        if token.type == "heading_open" and token.level == 0
    ]


def _sections(lines: list[str], headings: list[tuple[int, int, str, int]]) -> list[dict[str, Any]]:
    ends = [*(heading[0] for heading in headings[1:]), len(lines)]
    return [
        {"level": level, "title": title, "content": "\n".join(lines[start:end]).strip()}
        for (_, level, title, start), end in zip(headings, ends, strict=False)
    ]


def _plain(content: str) -> str:
    blocks = (_inline_text(token) for token in _markdown().parse(content) if token.content)
    return "\n\n".join(block for block in blocks if block)


def _inline_text(token: Any) -> str:
    if not token.children:
        return str(token.content).strip()
    pieces = ("\n" if child.type in ("softbreak", "hardbreak") else child.content for child in token.children)
    return "".join(pieces).strip()


def _capitalized(text: str) -> str:
    return _WORD_START.sub(lambda match: match.group(1) + match.group(2).upper(), text)


_OPERATIONS: Mapping[str, Callable[[str], str]] = {
    "capitalize": _capitalized,
    "uppercase": str.upper,
    "lowercase": str.lower,
    "trim": str.strip,
    "strip_tags": strip_tags,
}


@processor(
    "text_processor",
    label="Text Processor",
    category="processing",
    description="Applies a common text utility.",
    parameters=[
        param("text", connectable=True),
        param(
            "operation", configurable=True, connectable=True, default="capitalize", enum=tuple(_OPERATIONS), title="Operation"
        ),
    ],
    outputs=[output("text", "string")],
)
def text_processor(params: Params, context: NodeContext) -> Outputs:  # noqa: ARG001
    """Return the text: capitalized word by word, in upper or lower case, trimmed, or without tags."""
    return {"text": _OPERATIONS[params["operation"] or "capitalize"](_text(params, "text"))}
