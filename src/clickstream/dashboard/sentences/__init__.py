"""What changed, in words: at most three sentences on top of every page.

    findings = find_sentences(page)

Numbers of the range are held against the same weekdays of the weeks before (`weeks`), and those
that chance does not explain (`significance`) are told, the weightiest first (`selection`).
docs/dashboard.md says how.
"""

from clickstream.dashboard.sentences.finding import find_sentences
from clickstream.dashboard.sentences.parts import Findings, Part, Sentence

__all__ = ["Findings", "Part", "Sentence", "find_sentences"]
