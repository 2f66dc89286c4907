"""Combined records made by hypothesis, and the lines that Apache or nginx would write for them."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone

from hypothesis import strategies as st


@dataclass(frozen=True)
class Record:
    client: str
    user: str
    at: datetime
    method: str
    target: str
    protocol: str
    status: int
    size: int | None
    referrer: str
    user_agent: str

    @property
    def line(self) -> bytes:
        time = self.at.strftime("%d/%b/%Y:%H:%M:%S %z")
        size = "-" if self.size is None else self.size
        return (
            f'{self.client} - {self.user} [{time}] "{self.method} {self.target} {self.protocol}" '
            f'{self.status} {size} "{self.referrer}" "{self.user_agent}"'
        ).encode()

    @property
    def utc(self) -> datetime:
        return self.at.astimezone(UTC).replace(tzinfo=None)


def quoted(*, spaces: bool) -> st.SearchStrategy[str]:
    """What a log holds between two quotes: quotes and backslashes are escaped."""
    banned = '"\\\n\r' + ("" if spaces else " ")
    plain = st.characters(codec="utf-8", exclude_characters=banned)
    escaped = st.sampled_from([r"\"", r"\\", r"\x22", r"\xE9", r"\t"])
    text = st.lists(plain | escaped, min_size=1, max_size=12).map("".join)
    return text.filter(lambda t: t != "-")


clients = st.one_of(
    st.ip_addresses().map(str), st.sampled_from(["crawl-7.example.net", "2001:db8::1"])
)
users = st.sampled_from(["-", "barista", "john doe", "a [b] c", r"o\"neil", "[20/Nov/2026]", '""'])
offsets = st.integers(-14 * 60, 14 * 60).map(lambda m: timezone(timedelta(minutes=m)))
times = st.datetimes(
    datetime(1990, 1, 2),
    datetime(2100, 12, 30),
    timezones=offsets,
).map(lambda t: t.replace(microsecond=0))
records = st.builds(
    Record,
    client=clients,
    user=users,
    at=times,
    method=st.sampled_from(["GET", "POST", "HEAD", "PROPFIND"]),
    target=quoted(spaces=True),
    protocol=st.sampled_from(["HTTP/1.0", "HTTP/1.1", "HTTP/2.0", "HTTP/3"]),
    status=st.integers(100, 599),
    size=st.none() | st.integers(0, 10**18 - 1),
    referrer=quoted(spaces=True),
    user_agent=quoted(spaces=True),
)
