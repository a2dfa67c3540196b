"""Makes re2.json: what RE2, GitLab's library for patterns, makes of each kind of pattern.

    python3 -m venv venv && venv/bin/pip install google-re2==1.1.20251105 && venv/bin/python re2.py > re2.json
"""

import json

import re2

TEXTS = [
    "", "a", "b", "ab", "aab", "aaa", "abc", "A", "AB", "a b", "a\nb", "b\na", "a.b", "a-b", "a_b", "a/b", "a+b", "a*b",
    "a{b", "a{2}", "a{,5}", "{", "}", "{2}", "[", "]", "[a]", "a]", "&", "a&&b", "a&b", "~", "a~~b", "-", "--", "a--b",
    "^", "$", "\\", "<a>", "<", ">", "|", "(a)", "1", "12", "1.2.3", "v1.2", "٣", "ä", "Ä", "é1", "ſ", "K", "\u212a",
    "_", " ", "\u00a0", "\t", "\v", "\u2028", "main", "feature/x", "release/1.2", "refs/heads/main", "x y", "a.*b",
    "d", "s", "w", "#a", "a#b", "\u0001", "Q", "E",
]

PATTERNS = [
    # Everyday.
    r"^main$", r"^v\d+\.\d+$", r"^(feature|release)/.*$", r"feature\/", r"^release/[0-9.]+$", r"(?i)^A", r"a|b", r"^$",
    r"^(?:a|ab)$", r"a.b", r"(?s)a.b", r"(?m)^b$", r"^b$", r"a+?", r"^a{2,3}$", r"^a{2}$", r"^a{2,}$", r"^a{0,1}$",
    # Perl's classes are ASCII.
    r"^\d$", r"^\D$", r"^\w$", r"^\W$", r"^\s$", r"^\S$", r"^[\d]$", r"^[\D]$", r"^[\w-]$", r"^[\W]$", r"^[\s]$",
    r"^[^\s]$", r"^[^\w]$", r"\bb", r"a\b", r"\Bb", r"^\b", r"1\b", r"^(?i)k$", r"^(?i)ä$", r"^(?i)s$",
    # Unicode's own.
    r"^\pL$", r"^\p{L}$", r"^\PL$", r"^\p{^L}$", r"^\p{Greek}$", r"^[[:alpha:]]$", r"^[[:^alpha:]]$", r"^[[:word:]]$",
    r"^[[:space:]]$", r"^[[:digit:]]$", r"^[\pL]$", r"^[^\pL]$", r"^[[:alpha:]\d_-]$", r"^[[:nope:]]$",
    # Braces that repeat nothing are texts.
    r"^a{b", r"^a{,5}$", r"^{$", r"^a{$", r"^}$", r"^{2}$", r"^a{2$", r"a{-1}", r"^a\{2\}$", r"a{1001}", r"a{2,1}",
    r"x*{", r"^{,", r"({)", r"(|{)", r"a|{",
    # Classes.
    r"^[a-c]$", r"^[]a]$", r"^[^]a]$", r"^[a]]$", r"^[[]$", r"^[[a]$", r"^[a[b]$", r"^[a&&b]$", r"^[&]$", r"^[a~~b]$",
    r"^[a--b]$", r"^[a-]$", r"^[-a]$", r"^[+--]$", r"^[--/]$", r"^[\]]$", r"^[\[]$", r"^[\-]$", r"^[a\-c]$", r"^[.*]$",
    r"^[$^]$", r"^[\^a]$", r"[]", r"[^]", r"[a", r"[b-a]", r"[\b]", r"[\<]", r"^[\_]$", r"^[a-\d]$", r"^[\d-z]$",
    r"^[#a]$", r"^[\x41]$", r"^[\x{41}-B]$", r"^[ -~]$", r"^[a-c-e]$", r"^[[:alpha:]-z]$", r"^[\n]$", r"^[\t ]$",
    r"^[\Qa]$", r"^[\A]$", r"^[\z]$", r"^[/]$", r"^[\/]$", r"^[\\]$", r"^[{}]$", r"^[\.]$", r"^[\e]$", r"^[\pL-]$",
    # Escapes.
    r"\.", r"\-", r"\/", r"\_", r"\<", r"\>", r"\ ", r"\#", r"\&", r"\~", r"\{", r"\}", r"\]", r"\@", r"\%", r"\,",
    r"\:", r"\=", r"\!", r"\"", r"\'", r"\;", r"\`", r"\x41", r"\x{41}", r"\x4", r"\x{}", r"\101", r"\0", r"\01", r"\1",
    r"(a)\1", r"\8", r"\a", r"\e", r"\f", r"\n", r"\r", r"\t", r"\v", r"\cA", r"\u0041", r"\u{41}", r"\U00000041", r"\A",
    r"\Aa", r"\Ba", r"\z", r"a\z", r"\Z", r"\G", r"\K", r"\h", r"\H", r"\R", r"\X", r"\N", r"\C", r"\L",
    r"\Qa.*b\E", r"\Q.", r"\Qa\E+", r"\E", r"a\E", r"\Q\E", r"\Qa\Eb", r"^\Qab\E+$", r"\ä", r"\b{start}", r"\<a",
    r"\p", r"\p{", r"\p{Nope}", r"\y", r"\q", r"\m",
    # Groups and flags.
    r"(?P<n>a)", r"(?<n>a)", r"(?P<n>a)(?P<n>b)", r"(?P=n)", r"(?:a)", r"(?i:A)b", r"(?i-s:A)", r"(?x)a b", r"(?u)a",
    r"(?R)a", r"(?-u)a", r"(?U)a+", r"(?ims)A", r"(?)a", r"(?i)", r"(?-i)a", r"(?i-)a", r"(?#c)a", r"(?=a)", r"(?!a)",
    r"(?<=a)b", r"(?<!a)b", r"(?>a)", r"(?|a)", r"(?P>n)", r"(?R)", r"(?1)", r"(?&n)", r"(a", r"a)", r"()", r"(|a)",
    r"(?", r"(?i", r"(?P<", r"(?P<n", r"(?P<1>a)", r"(?P<a-b>a)", r"((a))", r"(?s-m:a.b)", r"(?sx)a",
    # Repetitions.
    r"a**", r"a*+", r"a+*", r"a??", r"a*?", r"a*??", r"a?+", r"a{2}{3}", r"a{2}*", r"a{2}?", r"a{2}??", r"*a", r"+", r"?",
    r"(*a)", r"a|*", r"^*", r"^*a", r"$*", r"\b+", r"(?:)*", r"(?i)*", r"(a*)*", r"(a*)+", r"a***", r"{", r"a{1}{",
    # Anchors.
    r"^^a$$", r"a$b", r"a^b", r"$", r"^", r"(^a)", r"(a|b$)", r"a$|b", r"(?m)a$", r"a\n?b", r"^a.b$",
    # White space and comments are themselves.
    r"x y", r"a #b", r"#a", "a\nb", r"a b",
]


def row(pattern):
    options = re2.Options()
    options.log_errors = False
    try:
        compiled = re2.compile(pattern, options)
    except re2.error:
        return {"pattern": pattern, "invalid": True}
    return {"pattern": pattern, "invalid": False, "matches": [text for text in TEXTS if compiled.search(text)]}


rows = ",\n".join(json.dumps(row(pattern), ensure_ascii=False) for pattern in PATTERNS)
print('{"texts": %s,\n"rows": [\n%s\n]}' % (json.dumps(TEXTS, ensure_ascii=False), rows))
