"""Looking for secrets in files: as they are, and as databases and logs may spell them."""

import base64
import binascii
import pathlib
import re
import string
import uuid

PIECE = 8 * 1024 * 1024


def word(chance):
    """A word that nobody else would write."""
    return "".join(chance.choices(string.ascii_lowercase, k=20))


def spellings(secret):
    """What to look for: the text, its bytes in hexadecimal and base64, and of a UUID and of hexadecimal digits the bytes."""
    if isinstance(secret, str):
        if re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", secret):
            yield uuid.UUID(secret).bytes
        elif re.fullmatch(r"([0-9a-f]{2}){16,}", secret):
            yield bytes.fromhex(secret)
        secret = secret.encode()
    yield secret
    yield binascii.hexlify(secret)
    for shift in range(3):
        # The first and the last characters also depend on what stands beside the secret.
        yield base64.b64encode(b"\0" * shift + secret)[2 if shift else 0:].rstrip(b"=")[2:-2]


class Needles:
    """Named secrets, none of which may stand in any file."""

    def __init__(self):
        self.names = {}

    def plant(self, name, secret):
        """Remembers a secret, and gives it back."""
        for spelling in spellings(secret):
            self.names.setdefault(spelling, name)
        return secret

    def found_in(self, folder, without=()):
        """What was found, and in which file; and how many bytes were read."""
        pattern, findings, read = re.compile(b"|".join(re.escape(needle) for needle in self.names)), set(), 0
        longest = max(map(len, self.names))
        for path in sorted(path for path in pathlib.Path(folder).rglob("*") if path.is_file() and path.name not in without):
            try:
                with open(path, "rb") as file:
                    rest = b""
                    while piece := file.read(PIECE):
                        read += len(piece)
                        for match in pattern.finditer(rest + piece):
                            findings.add(f"{self.names[match[0]]} stands in {path.relative_to(folder)}: …{(rest + piece)[max(0, match.start() - 60):match.start()]!r}")
                        rest = (rest + piece)[-longest:]
            except FileNotFoundError:
                continue  # a log that was put away meanwhile
        return sorted(findings), read


def contains(folder, text):
    """Whether any file holds this: a control that looking finds what is there."""
    control = Needles()
    control.names[text.encode()] = text
    return bool(control.found_in(folder)[0])


def address(chance):
    """An address of this machine that stands out."""
    return f"127.{chance.randrange(200, 250)}.{chance.randrange(100, 250)}.{chance.randrange(100, 250)}"
