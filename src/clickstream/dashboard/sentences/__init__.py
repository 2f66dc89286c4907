"""The sentences at the top of every page: at most three events of the shown range.

    findings = find_sentences(page)

Numbers that are more or less than usual, or grow steadily (`changes.verdicts`), become sentences,
in order of importance (`finding`). docs/dashboard.md describes the method.
"""

from clickstream.dashboard.sentences.finding import find_sentences
from clickstream.dashboard.sentences.parts import Findings, Sentence, SentencePart

__all__ = ["Findings", "Sentence", "SentencePart", "find_sentences"]
