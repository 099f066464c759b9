"""What a question reads of the catalog: passages, what stands above them, words and terms; only what may be seen."""

from __future__ import annotations

import bisect
import json
import re
import sqlite3
import sys
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from assistant.core.records import Access, Document, Hit, Meta, Method, Passage, Term
from assistant.index.schema import (
    BEGUN,
    DIFFERS,
    VISIBLE,
    document_of,
    meta_from_json,
    ocr_from_json,
    passage_of,
    read_json,
    visible_to,
)
from assistant.index.vectors import batched
from assistant.index.word_search import VisiblePassages, is_among, search_words, written
from assistant.text.canonical import ITEM
from assistant.text.words import shown_title

# Characters of a passage's section, above it: what governs a row or an item may stand a few passages up, and far up
# where a passage goes on with a list or a table.
MAX_BEFORE, MAX_LISTED = 4_000, 60_000
SOUGHT = 12  # words of a sentence, the first and the last ones, by which its passage is found
COMPARED = 500  # vectors at once: they fit a processor's cache, which takes half the time of thousands
MOST_NAMING = 100  # passages in which words are looked for
NO_VECTOR = "a passage's vector is not what an encoder gives"
PASSAGE = 'p.id, p.document_id, w.body, p."start", p."end", p.headings, p.page'  # what `passage_of` reads
T = TypeVar("T")


class Queries:
    """Reads one connection to the catalog; keeps for a few people what is the same for all their questions."""

    def __init__(self, connection: sqlite3.Connection, most_kept: int = 16) -> None:
        self._db = connection
        self._most_kept = most_kept  # of whom `once` knows something: 2 MB each for 100,000 passages
        self._state = (0, 0)
        self._known: dict[tuple[str, Access], Any] = {}

    def once(self, what: str, access: Access, make: Callable[[], T]) -> T:
        """Return what is the same for every question until something is written, and for a few people at once."""
        (version,) = self._db.execute("PRAGMA data_version").fetchone()
        if (version, self._db.total_changes) != self._state or len(self._known) > self._most_kept:
            self._known.clear()
            self._check_sources()
            self._state = version, self._db.total_changes
        if (what, access) not in self._known:
            self._known[what, access] = make()
        found: T = self._known[what, access]
        return found

    def _check_sources(self) -> None:
        """Raise DatabaseError where sources are gone that their index still has: a damaged page would hide them."""
        whole = "typeof(document_id) = 'text' AND typeof(effective) = 'text' AND typeof(expires) = 'text'"
        counts = f"""SELECT (SELECT COUNT(*) FROM sources NOT INDEXED WHERE {whole}),
                            (SELECT COUNT(*) FROM sources INDEXED BY sources_document)"""
        held, listed = self._db.execute(counts).fetchone()
        if held != listed:
            raise sqlite3.DatabaseError(f"it holds {held} of {listed} sources")

    def search_words(self, words: Sequence[str], limit: int, access: Access) -> tuple[list[tuple[int, float]], float]:
        """Return (passage id, BM25), best first, and the most that a passage could have; only what `access` may see."""
        return search_words(self._db, words, limit, self._seen(access))

    def written(self, word: str, access: Access) -> str:
        """Return how the documents write a misspelt word, of what `access` may see; "" for one that they have."""
        return written(self._db, word, self._seen(access))

    def of_policies(self, ids: Sequence[str], access: Access) -> list[int]:
        """Return the passages of the documents that have one of these ids, "HR-019", in their order."""
        known = self.once("policies", access, lambda: self._policies(access))
        documents = [document for policy_id in ids for document in known.get(policy_id.casefold(), ())]
        sql = "SELECT id FROM passages WHERE document_id IN (SELECT value FROM json_each(?)) ORDER BY id"
        return [row[0] for row in self._db.execute(sql, (json.dumps(documents),))]

    def _policies(self, access: Access) -> dict[str, list[str]]:
        sql = f"""SELECT lower(json_extract(s.meta, '$.policy_id')) AS policy, s.document_id FROM sources s
                  WHERE policy IS NOT NULL AND {VISIBLE}"""
        found: dict[str, list[str]] = {}
        for policy_id, document_id in self._db.execute(sql, visible_to(access)):
            found.setdefault(policy_id, []).append(document_id)
        return found

    def visible(self, ids: Sequence[int], access: Access) -> list[int]:
        """Return those of these passages that `access` may see, in their order."""
        given = np.array(ids, np.int64)
        return [int(i) for i in given[is_among(given, self._seen(access).ids)]]

    def count_visible(self, access: Access) -> int:
        """Return how many passages `access` may see."""
        return len(self._seen(access).ids)

    def all_visible(self, access: Access) -> list[int]:
        """Return every passage that `access` may see."""
        found: list[int] = self._seen(access).ids.tolist()
        return found

    def _seen(self, access: Access) -> VisiblePassages:
        return self.once("seen", access, lambda: VisiblePassages.of(self._db, access))

    def hits(self, scored: Sequence[tuple[int, float, tuple[Method, ...]]], access: Access) -> tuple[Hit, ...]:
        """Turn those (passage id, score, methods) that `access` may see into hits, in their order."""
        ids = json.dumps([passage_id for passage_id, _, _ in scored])
        sql = f"""SELECT {PASSAGE}, d.title, d.sha256,
                         (SELECT MIN(s.source) FROM sources s WHERE s.document_id = p.document_id AND {VISIBLE}) AS src
                  FROM passages p JOIN words w ON w.rowid = p.id JOIN documents d ON d.id = p.document_id
                  WHERE p.id IN (SELECT value FROM json_each(:ids)) AND src IS NOT NULL"""
        rows = {row[0]: row for row in self._db.execute(sql, {"ids": ids, **visible_to(access)})}
        found = [(rows[i], score, methods) for i, score, methods in scored if i in rows]
        self._check_passages([row[0] for row, _, _ in found])
        return tuple(
            Hit(
                passage=passage_of(row),
                score=score,
                rank=rank,
                methods=methods,
                source=row[9],
                title=shown_title(row[7], row[9]),
                document_sha256=row[8],
                before=self._before(row),
            )
            for rank, (row, score, methods) in enumerate(found, 1)
        )

    def _before(self, row: Sequence[Any]) -> str:
        """Return what stands above a passage in its section, as far as it is indexed without a gap."""
        passage_id, document_id, body, start, _, headings, *_ = row
        listed = body.startswith("|") or ITEM.match(body)
        least = max(0, start - (MAX_LISTED if listed else MAX_BEFORE))
        above = """SELECT "start", "end" FROM passages
                   WHERE document_id = ? AND id < ? AND headings = ? AND "start" >= ? ORDER BY id DESC"""
        if not (spans := self._db.execute(above, (document_id, passage_id, headings, least)).fetchall()):
            return ""
        query = "SELECT substr(text, ? + 1, ? - ?) FROM documents WHERE id = ?"
        text: str = self._db.execute(query, (least, start, least, document_id)).fetchone()[0]
        begin = start
        for first, end in spans:
            if text[end - least : begin - least].strip():
                break
            begin = first
        return text[begin - least :]

    def _check_passages(self, ids: Sequence[int]) -> None:
        """Raise DatabaseError unless passages say what their documents do: a flipped byte in either is found."""
        differs = """SELECT EXISTS (SELECT 1 FROM passages p JOIN words w ON w.rowid = p.id JOIN documents d
                     ON d.id = p.document_id WHERE p.id IN (SELECT value FROM json_each(?))
                     AND w.body <> substr(d.text, "start" + 1, "end" - "start"))"""
        if self._db.execute(differs, (json.dumps(ids),)).fetchone()[0]:
            raise sqlite3.DatabaseError(DIFFERS)

    def passages(self, access: Access) -> Iterator[tuple[Passage, str]]:
        """Yield every passage that `access` may see, with its source."""
        sql = f"""SELECT {PASSAGE},
                         (SELECT MIN(s.source) FROM sources s WHERE s.document_id = p.document_id AND {VISIBLE}) AS src
                  FROM passages p JOIN words w ON w.rowid = p.id WHERE src IS NOT NULL ORDER BY src, p.id"""
        for row in self._db.execute(sql, visible_to(access)):
            yield passage_of(row), row[7]

    def passages_of(self, document_id: str, start: int = 0, end: int = sys.maxsize) -> list[Passage]:
        """Return the passages of a document, or those that lie in [start, end) or touch it, in its order."""
        sql = f"""SELECT {PASSAGE} FROM passages p JOIN words w ON w.rowid = p.id
                 WHERE p.document_id = ? AND p."end" > ? AND p."start" < ? ORDER BY p."start" """
        return [passage_of(row) for row in self._db.execute(sql, (document_id, start, end))]

    def edges_of(self, document_id: str, count: int) -> list[Passage]:
        """Return the first and the last passages of a document, `count` of each, in its order."""
        sql = f"""SELECT {PASSAGE} FROM passages p JOIN words w ON w.rowid = p.id WHERE p.id IN (
                     SELECT * FROM (SELECT id FROM passages WHERE document_id = ?1 ORDER BY id LIMIT ?2)
                     UNION SELECT * FROM (SELECT id FROM passages WHERE document_id = ?1 ORDER BY id DESC LIMIT ?2)
                 ) ORDER BY p.id"""
        return [passage_of(row) for row in self._db.execute(sql, (document_id, count))]

    def nearest(self, vector: NDArray[np.float32], ids: Sequence[int], limit: int) -> list[tuple[int, float]]:
        """Return (passage id, cosine) of the `limit` of these passages that are nearest to a unit vector, best first.

        Raises DatabaseError where one of them has no vector, or one that no encoder gives.
        """
        found: list[tuple[int, float]] = []
        for some in batched(ids, COMPARED):
            found = sorted([*found, *self._cosines(vector, some)], key=lambda entry: (-entry[1], entry[0]))[:limit]
        return found

    def _cosines(self, vector: NDArray[np.float32], ids: Sequence[int]) -> list[tuple[int, float]]:
        sql = """SELECT p.id, v.value FROM passages p JOIN vectors v ON v.key = p.vector
                 WHERE p.id IN (SELECT value FROM json_each(?))"""
        rows = self._db.execute(sql, (json.dumps(ids),)).fetchall()
        if len(rows) != len(ids) or any(len(value) != vector.nbytes for _, value in rows):
            raise sqlite3.DatabaseError(NO_VECTOR)
        vectors = np.frombuffer(b"".join(value for _, value in rows), np.float32).reshape(-1, len(vector))
        if not np.allclose(np.square(vectors).sum(axis=1), 1, atol=1e-3):  # as far as float32 goes
            raise sqlite3.DatabaseError(NO_VECTOR)
        cosines = vectors.astype(np.float64) @ vector  # sums of float32 depend on how many vectors stand beside one
        return [(row[0], float(cosine)) for row, cosine in zip(rows, cosines, strict=True)]

    def passages_on(self, document_id: str, number: str, most: int = 20) -> list[Passage]:
        """Return the passages of a document that may name one of its sections by number, the first few."""
        words = " ".join(re.findall(r"\d+", number))
        names = ("section", "clause", "article", "chapter", "number", "no", "rule", "point")
        one = [f'"{name} {words}"' for name in names]
        many = [f'({name}s AND "{words}") OR NEAR({name}s "to", 2)' for name in names]  # "sections 3 to 6" holds no 4
        match = " OR ".join([*one, *many])
        # The words first, and of the document's rows alone: the planner would match them anew for each of its passages.
        sql = f"""SELECT {PASSAGE}
                 FROM words w CROSS JOIN passages p ON p.id = w.rowid
                 WHERE words MATCH :match AND p.document_id = :document
                 AND w.rowid BETWEEN (SELECT MIN(id) FROM passages WHERE document_id = :document)
                                 AND (SELECT MAX(id) FROM passages WHERE document_id = :document)
                 ORDER BY p.id LIMIT :most"""
        told = {"match": f"body : ({match})", "document": document_id, "most": most}
        return [passage_of(row) for row in self._db.execute(sql, told)]

    def hits_naming(self, words: Sequence[str], access: Access, most: int = MOST_NAMING) -> tuple[Hit, ...]:
        """Return the passages that `access` may see in which the first and the last of these words stand, so many.

        A few words find it: five hundred that are alike take a second.
        """
        sql = f"""SELECT p.id FROM words w JOIN passages p ON p.id = w.rowid
                  WHERE words MATCH :phrase
                  AND EXISTS (SELECT 1 FROM sources s WHERE s.document_id = p.document_id AND {VISIBLE})
                  ORDER BY p.id LIMIT :most"""
        ends = dict.fromkeys((" ".join(words[:SOUGHT]), " ".join(words[-SOUGHT:])))
        phrase = " AND ".join(f'body : "{end}"' for end in ends)
        rows = self._db.execute(sql, {"phrase": phrase, "most": most, **visible_to(access)})
        return self.hits([(row[0], 0.0, ()) for row in rows], access)

    def passage_at(self, document_id: str, offset: int) -> int | None:
        """Return the id of the passage that holds a character of a document."""
        query = 'SELECT id FROM passages WHERE document_id = ? AND "start" <= ? AND "end" > ? LIMIT 1'
        row = self._db.execute(query, (document_id, offset, offset)).fetchone()
        return int(row[0]) if row else None

    def ocr_of(self, document_id: str, start: int, end: int) -> float | None:
        """Return the least confidence with which a page of [start, end) was read by OCR; None where all is text."""
        pages, ocr = self._db.execute("SELECT pages, ocr FROM documents WHERE id = ?", (document_id,)).fetchone()
        if not (read := dict(ocr_from_json(ocr))):
            return None
        first, last = (bisect.bisect_right(read_json(pages), at) for at in (start, end - 1))
        return min((read[page] for page in range(first, last + 1) if page in read), default=None)

    def indexed_around(self, document: Document, start: int, end: int) -> tuple[int, int]:
        """Return how far from [start, end) the document's text is indexed without a gap but for white space."""
        begin = stop = 0
        for passage in self.passages_of(document.id):
            if document.text[stop : passage.start].strip():
                if stop >= end:
                    break
                begin = passage.start
            stop = max(stop, passage.end)
        return min(begin, start), max(stop, end)

    # --- documents and their sources -----------------------------------------------------------------------------

    def document(self, named: str, access: Access, source: str = "") -> Document | None:
        """Return the newest-read visible document of that source, path or SHA-256; None if there is none.

        Of several files with the same bytes the one with that `source` comes first: they may have other titles.
        """
        query = f"""SELECT d.id, s.source, d.title, d.text, d.media_type, d.sha256, d.pages, d.ocr, s.meta
                    FROM sources s JOIN documents d ON d.id = s.document_id
                    WHERE :named IN (s.source, s.path, d.sha256) AND {VISIBLE}
                    ORDER BY s.source = :source DESC, s.seen_ns DESC LIMIT 1"""
        row = self._db.execute(query, {"named": named, "source": source, **visible_to(access)}).fetchone()
        return document_of(row, meta_from_json(row[8])) if row else None

    def titles(self, access: Access, most: int = sys.maxsize) -> list[str]:
        """Return the titles of the documents that `access` may see, each once, those with most passages first."""
        sql = f"""SELECT d.title, MIN(s.source) FROM sources s JOIN documents d ON d.id = s.document_id
                  WHERE {VISIBLE} GROUP BY d.id
                  ORDER BY (SELECT COUNT(*) FROM passages p WHERE p.document_id = d.id) DESC, d.id"""
        rows = self._db.execute(sql, visible_to(access))
        return list(dict.fromkeys(shown_title(*row) for row in rows))[:most]

    def slices(self, sha256: str, start: int, end: int) -> set[str]:
        """Return what the documents of that hash say at [start, end); they differ only in their given titles."""
        query = "SELECT substr(text, ? + 1, ? - ?) FROM documents WHERE sha256 = ?"
        return {row[0] for row in self._db.execute(query, (start, end, start, sha256))}

    def files(self, names: Collection[str], access: Access) -> dict[tuple[str, str], str]:
        """Return the paths of those of these sources that `access` may see, by source and SHA-256 of the document."""
        sql = f"""SELECT s.source, d.sha256, s.path FROM sources s JOIN documents d ON d.id = s.document_id
                  WHERE s.source IN (SELECT value FROM json_each(:names)) AND {VISIBLE} ORDER BY s.seen_ns"""
        rows = self._db.execute(sql, {"names": json.dumps(list(names)), **visible_to(access)})
        return {(source, sha256): path for source, sha256, path in rows}

    def meta_of(self, source: str, sha256: str, access: Access) -> Meta | None:
        """Return what holds for a source and its document, of that hash, if `access` may see it; None for another."""
        sql = f"""SELECT s.meta FROM sources s JOIN documents d ON d.id = s.document_id
                  WHERE s.source = :source AND d.sha256 = :sha256 AND {VISIBLE} ORDER BY s.seen_ns DESC LIMIT 1"""
        row = self._db.execute(sql, {"source": source, "sha256": sha256, **visible_to(access)}).fetchone()
        return meta_from_json(row[0]) if row else None

    def version_before(self, source: str, sha256: str, access: Access) -> tuple[str, str] | None:
        """Return (source, its last day) of the version of a document that had ended when it began; None without one.

        The version that it says it supersedes, if that is there, else the last; of what `access` might have seen.
        """
        meta = self.meta_of(source, sha256, access)
        if meta is None or not meta.policy_id:
            return None
        sql = f"""SELECT s.source, s.expires, ifnull(json_extract(s.meta, '$.version'), '') FROM sources s
                  WHERE json_extract(s.meta, '$.policy_id') = :policy AND s.expires < :until AND s.source <> :source
                  AND {BEGUN} ORDER BY s.expires DESC"""
        until = min(access.as_of, meta.effective or access.as_of)
        told = {"policy": meta.policy_id, "until": until, "source": source, **visible_to(access)}
        found = self._db.execute(sql, told).fetchall()
        said = (meta.supersedes or "").casefold().split()
        named = [row for row in found if row[2] and {row[2].casefold(), f"v{row[2]}".casefold()} & set(said)]
        return next(((old, end) for old, end, _ in named or found), None)

    # --- terms -------------------------------------------------------------------------------------------------

    def terms(self, access: Access, norms: Sequence[str] | None = None) -> list[tuple[Term, str, str]]:
        """Return (term, source, document title) for the normalised names, or for all, of what `access` may see."""
        named = "t.id IN (SELECT term_id FROM term_names WHERE norm IN (SELECT value FROM json_each(:norms))) AND"
        sql = f"""SELECT t.name, t.aliases, substr(d.text, t."start" + 1, t."end" - t."start"), t.document_id,
                         t."start", t."end", t.scope, d.title,
                         (SELECT MIN(s.source) FROM sources s WHERE s.document_id = t.document_id AND {VISIBLE}) AS src
                  FROM terms t JOIN documents d ON d.id = t.document_id
                  WHERE {named if norms is not None else ""} src IS NOT NULL ORDER BY t.name COLLATE NOCASE, src"""
        rows = self._db.execute(sql, {"norms": json.dumps(norms or []), **visible_to(access)})
        return [(Term(r[0], tuple(read_json(r[1])), *r[2:7]), r[8], shown_title(r[7], r[8])) for r in rows]

    def terms_of(self, document_id: str) -> list[tuple[str, int, int]]:
        """Return (name, start, end) of a document's definitions."""
        sql = 'SELECT name, "start", "end" FROM terms WHERE document_id = ?'
        return [(str(name), int(start), int(end)) for name, start, end in self._db.execute(sql, (document_id,))]

    def count_terms(self) -> int:
        query = "SELECT COUNT(*) FROM terms WHERE document_id IN (SELECT document_id FROM sources)"
        return int(self._db.execute(query).fetchone()[0])
