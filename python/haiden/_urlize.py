"""`urlize`: escaped text with its addresses as links."""

import re
import typing as t

from markupsafe import escape

# A web address: with a scheme, with `www.`, a name in one of the oldest domains, or numbers.
_WEB = re.compile(
    r"""(?ix) ^
    (?: (?: https?:// | www\. ) (?: (?: [\w%-]+\. )+ )? (?: [a-z]{2,63} | xn--[\w%]{2,59} )
      | (?: [\w%-]{2,63}\. )+ (?: com | net | int | edu | gov | org | info | mil )
      | https?:// (?: \d{1,3} (?: \.\d{1,3} ){3} | \[ (?: [\da-f]{0,4}: ){2} (?: [\da-f]{0,4}:? ){1,6} \] )
    )
    (?: : \d{1,5} )?
    (?: [/?\#] \S* )?
    $"""
)
_MAILBOX = re.compile(r"^\S+@\w[\w.-]*\.\w+$")
_SPACES = re.compile(r"(\s+)")
_OPENING = re.compile(r"(?:[(<]|&lt;)+")
_CLOSING = re.compile(r"(?:[)>.,\n]|&gt;)+$")
_CLOSERS = (")", ">", ".", ",", "\n", "&gt;")
_PAIRS = (("(", ")"), ("<", ">"), ("&lt;", "&gt;"))


def _peel(word: str) -> tuple[str, str, str]:
    """What is before the address, the address, what is behind it."""
    opening = _OPENING.match(word)
    head = opening.group() if opening else ""
    middle, tail = word[len(head) :], ""
    # Asked first, because the search would try each place where a run of closers begins.
    if middle.endswith(_CLOSERS):
        closing = _CLOSING.search(middle)
        if closing:
            middle, tail = middle[: closing.start()], closing.group()
    # What the address opened, it may close.
    for opener, closer in _PAIRS:
        opened = middle.count(opener)
        if opened <= middle.count(closer):
            continue
        for _ in range(min(opened, tail.count(closer))):
            end = tail.index(closer) + len(closer)
            middle, tail = middle + tail[:end], tail[end:]
    return head, middle, tail


def _is_mailbox(word: str) -> bool:
    return "@" in word and not word.startswith(("www.", "@")) and ":" not in word and _MAILBOX.match(word) is not None


def urlize(
    text: str,
    trim_url_limit: int | None,
    rel: str | None,
    target: str | None,
    extra_schemes: t.Iterable[str] | None,
) -> str:
    """See :func:`haiden.utils.urlize`."""
    attributes = f' rel="{escape(rel)}"' if rel else ""
    attributes += f' target="{escape(target)}"' if target else ""

    def shown(address: str) -> str:
        if trim_url_limit is not None and len(address) > trim_url_limit:
            return address[:trim_url_limit] + "..."
        return address

    def linked(word: str) -> str:
        if _WEB.match(word):
            scheme = "" if word.startswith(("https://", "http://")) else "https://"
            return f'<a href="{scheme}{word}"{attributes}>{shown(word)}</a>'
        if word.startswith("mailto:") and _MAILBOX.match(word[7:]):
            return f'<a href="{word}">{word[7:]}</a>'
        if _is_mailbox(word):
            return f'<a href="mailto:{word}">{word}</a>'
        for scheme in extra_schemes or ():
            # A link that was made may fit the next scheme: it begins with `<a `.
            if word != scheme and word.startswith(scheme):
                word = f'<a href="{word}"{attributes}>{word}</a>'
        return word

    words = _SPACES.split(str(escape(text)))
    for index, word in enumerate(words):
        head, middle, tail = _peel(word)
        words[index] = f"{head}{linked(middle)}{tail}"
    return "".join(words)
