"""Caption metrics: BLEU-1..4, ROUGE-L and CIDEr-D by hand, with the COCO evaluation code's choices; METEOR through it.

All take ``candidates``, one list of words an image, and ``references``, a list of such lists an image (paper:
CVPR Table 3, v4 Tables 6 and 7). What a word is, the caller decides: ``coco_words`` splits as the COCO server did.
"""

import math
import subprocess
import tempfile
from collections import Counter
from itertools import chain
from pathlib import Path

Words = list[str]

# What the COCO server drops after splitting. Round brackets stay there, as "-lrb-" and "-rrb-".
_PUNCTUATION = {"''", "'", "``", "`", ".", "?", "!", ",", ":", "-", "--", "...", ";"}


def coco_words(sentence: str) -> Words:
    """Split a sentence as the COCO caption server does: Penn Treebank rules, lower case, punctuation dropped.

    The server runs a Java program; this is NLTK's version of the same rules (extra ``metrics``). Of the 40,460
    captions of Flickr8k, 9 come out differently (such as "d.c." at the end of a sentence).
    """
    from nltk.tokenize.treebank import TreebankWordTokenizer

    words = TreebankWordTokenizer().tokenize(sentence.strip().lower(), convert_parentheses=True)
    return [word.lower() for word in words if word not in _PUNCTUATION]


def ngrams(words: Words, n: int) -> Counter:
    """How often each run of ``n`` words occurs, as a Counter of tuples."""
    return Counter(zip(*(words[start:] for start in range(n)), strict=False))


# BLEU (Papineni et al., 2002)


def clipped_matches(candidate: Words, references: list[Words], n: int) -> tuple[int, int]:
    """(matches, guesses): the candidate's n-grams that the references grant it, and all its n-grams.

    Clipping: an n-gram counts at most as often as it occurs in the one reference that has most of it.
    """
    guessed = ngrams(candidate, n)
    granted = [ngrams(reference, n) for reference in references]
    matches = sum(min(count, max(counts[gram] for counts in granted)) for gram, count in guessed.items())
    return matches, guessed.total()


def closest_length(candidate: Words, references: list[Words]) -> int:
    """The length of the reference closest in length to the candidate, the shorter one of two equally close."""
    return min((abs(len(reference) - len(candidate)), len(reference)) for reference in references)[1]


def bleu(candidates: list[Words], references: list[list[Words]], max_n: int = 4) -> list[float]:
    """Corpus BLEU-1 to BLEU-``max_n``, each 0..1, with the COCO code's brevity penalty (closest reference length).

    The counts are summed over the corpus before any division, so a long caption weighs more than a short one.
    Raises ValueError when an image lacks references, TypeError when a caption is not split into words.
    """
    _check(candidates, references)
    matches, guesses = [0] * max_n, [0] * max_n
    for candidate, texts in zip(candidates, references, strict=True):
        for n in range(max_n):
            matched, guessed = clipped_matches(candidate, texts, n + 1)
            matches[n] += matched
            guesses[n] += guessed
    written = sum(map(len, candidates))
    wanted = sum(map(closest_length, candidates, references))
    # The COCO code's way around 0 / 0: no n-gram guessed makes a precision of 1e-6, none matched next to 0.
    precisions = [(m + 1e-15) / (g + 1e-9) for m, g in zip(matches, guesses, strict=True)]
    brevity = 1.0 if written >= wanted else math.exp(1 - wanted / written) if written else 0.0
    return [brevity * math.prod(precisions[:n]) ** (1 / n) for n in range(1, max_n + 1)]


# ROUGE-L (Lin, 2004)


def common_subsequence(first: Words, second: Words) -> int:
    """The length of the longest run of words that both have in the same order, gaps allowed."""
    row = [0] * (len(second) + 1)
    for word in first:
        diagonal = 0
        for j, other in enumerate(second, start=1):
            above = row[j]
            row[j] = diagonal + 1 if word == other else max(above, row[j - 1])
            diagonal = above
    return row[-1]


def rouge_l_each(candidates: list[Words], references: list[list[Words]], beta: float = 1.2) -> list[float]:
    """ROUGE-L of each image, 0..1: best precision and best recall over its references, recall weighing more."""
    _check(candidates, references)
    scores = []
    for candidate, texts in zip(candidates, references, strict=True):
        common = [common_subsequence(candidate, text) for text in texts]
        precision = max(common) / max(len(candidate), 1)
        recall = max(c / max(len(text), 1) for c, text in zip(common, texts, strict=True))
        below = recall + beta**2 * precision
        scores.append((1 + beta**2) * precision * recall / below if below else 0.0)
    return scores


def rouge_l(candidates: list[Words], references: list[list[Words]]) -> float:
    """Mean ROUGE-L over the images, 0..1."""
    return _mean(rouge_l_each(candidates, references))


# CIDEr-D (Vedantam et al., 2015)


def cider_d_each(candidates: list[Words], references: list[list[Words]], max_n: int = 4) -> list[float]:
    """CIDEr-D of each image, 0..10: the mean over references and n of the clipped tf-idf cosine, times 10.

    An n-gram weighs log(images / images whose references have it): "a" next to nothing, "carrot" much. The
    weights are those of the images given, so scores of different image sets do not compare, and of one image
    alone every weight is log(1) = 0. A Gaussian (sigma 6 words) punishes a length other than the reference's.
    """
    _check(candidates, references)
    granted = [[_all_ngrams(text, max_n) for text in texts] for texts in references]
    images_with = Counter(chain.from_iterable(set().union(*of_image) for of_image in granted))
    rarest = math.log(max(len(granted), 1))  # the weight of what is in the references of one image, or of none
    idf = {gram: math.log(len(granted) / images) for gram, images in images_with.items() if images > 1}

    scores = []
    for candidate, of_image in zip(candidates, granted, strict=True):
        vector = _tf_idf(_all_ngrams(candidate, max_n), idf, rarest)
        norms, length = _norms(vector, max_n), max(len(candidate) - 1, 0)
        total = 0.0
        for counts in of_image:
            theirs = _tf_idf(counts, idf, rarest)
            products = [0.0] * max_n
            for gram, weight in vector.items():
                if gram in theirs:
                    products[len(gram) - 1] += min(weight, theirs[gram]) * theirs[gram]
            # The COCO code measures lengths in pairs of words, so 0 and 1 word are equally long.
            gap = length - sum(count for gram, count in counts.items() if len(gram) == 2)
            cosines = (
                p / (a * b) if a * b else 0.0 for p, a, b in zip(products, norms, _norms(theirs, max_n), strict=True)
            )
            total += sum(cosines) / max_n * math.exp(-(gap**2) / 72)
        scores.append(10 * total / len(of_image))
    return scores


def cider_d(candidates: list[Words], references: list[list[Words]]) -> float:
    """Mean CIDEr-D over the images, 0..10 (the paper prints 0.9 for its best)."""
    return _mean(cider_d_each(candidates, references))


def _all_ngrams(words: Words, max_n: int) -> Counter:
    return Counter(chain.from_iterable(zip(*(words[s:] for s in range(n)), strict=False) for n in range(1, max_n + 1)))


def _tf_idf(counts: Counter, idf: dict, rarest: float) -> dict:
    return {gram: count * idf.get(gram, rarest) for gram, count in counts.items()}


def _norms(vector: dict, max_n: int) -> list[float]:
    squares = [0.0] * max_n
    for gram, weight in vector.items():
        squares[len(gram) - 1] += weight * weight
    return [math.sqrt(square) for square in squares]


# METEOR (Denkowski and Lavie, 2014)


def meteor(candidates: list[Words], references: list[list[Words]]) -> float | None:
    """METEOR by its authors' Java program, 0..1, or None (and one line that says why) where it does not run.

    It needs ``java``, about 2 GB of memory and 5 to 15 s to load its table of paraphrases, and the extra ``meteor``.
    """
    _check(candidates, references)
    if (pycocoevalcap := _coco_code()) is None:
        print("METEOR left out: the package pycocoevalcap, which brings its program, is not installed.")
        return None
    folder = Path(next(iter(pycocoevalcap.__path__)), "meteor")
    command = ["java", "-Xmx2G", "-jar", folder / "meteor-1.5.jar", "-", "-", "-stdio", "-l", "en", "-norm"]
    # The program looks for its paraphrases beside itself, but cannot find them in a path with a space: name them.
    command += ["-a", folder / "data" / "paraphrase-en.gz"]
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as complaints:
        try:
            return _meteor(command, complaints, candidates, references)
        except OSError as error:  # there is no java, or it has died
            complaints.seek(0)
            reasons = [line.strip() for line in complaints if line.strip() and not line.startswith("\t")]
            print(f"METEOR left out: it is a Java program, and java does not run here ({[error, *reasons][-1]}).")
            return None


def _meteor(command, complaints, candidates: list[Words], references: list[list[Words]]) -> float:
    """Talk to the program: a line SCORE for each image is answered by counts, a line EVAL of all counts by scores."""
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=complaints, text=True, encoding="utf-8") as java:

        def ask(*parts: str) -> str:
            java.stdin.write(" ||| ".join(parts) + "\n")
            java.stdin.flush()
            return answer()

        def answer() -> str:
            if line := java.stdout.readline():
                return line.strip()
            raise BrokenPipeError("it ended without an answer")

        def plain(words: Words) -> str:
            return " ".join(" ".join(words).replace("|||", " ").split())

        counts = [
            ask("SCORE", *map(plain, texts), plain(candidate))
            for candidate, texts in zip(candidates, references, strict=True)
        ]
        first = ask("EVAL", *counts)  # the first image's score; those of the others follow, then that of all together
        return float([first, *(answer() for _ in candidates)][-1])


def caption_scores(candidates: list[Words], references: list[list[Words]]) -> dict[str, float]:
    """BLEU-1 to BLEU-4, CIDEr-D and ROUGE-L under the names of the paper's Table 6 (v4)."""
    scores = {f"BLEU-{n}": value for n, value in enumerate(bleu(candidates, references), start=1)}
    return {
        **scores,
        "CIDEr-D": cider_d(candidates, references),
        "ROUGE-L": rouge_l(candidates, references),
    }


def coco_code_scores(candidates: list[Words], references: list[list[Words]]) -> dict[str, float]:
    """What ``caption_scores`` gives, by the COCO evaluation code; {} (and one line) where it is not installed."""
    _check(candidates, references)
    if _coco_code() is None:
        print("The COCO evaluation code (the package pycocoevalcap) is not installed: nothing to compare with.")
        return {}
    from pycocoevalcap.bleu.bleu import Bleu
    from pycocoevalcap.cider.cider import Cider
    from pycocoevalcap.rouge.rouge import Rouge

    theirs = {image: [" ".join(words)] for image, words in enumerate(candidates)}
    texts = {image: [" ".join(words) for words in of_image] for image, of_image in enumerate(references)}
    scores, _ = Bleu(4).compute_score(texts, theirs, verbose=0)
    found = {f"BLEU-{n}": score for n, score in enumerate(scores, start=1)}
    found["CIDEr-D"], found["ROUGE-L"] = (float(s().compute_score(texts, theirs)[0]) for s in (Cider, Rouge))
    return found


def _coco_code():
    """The package pycocoevalcap, or None."""
    try:
        import pycocoevalcap
    except ImportError:
        return None
    return pycocoevalcap


def _mean(scores: list[float]) -> float:
    return sum(scores) / len(scores) if scores else 0.0


def _check(candidates: list[Words], references: list[list[Words]]) -> None:
    if len(candidates) != len(references):
        raise ValueError(f"{len(candidates)} candidates but references of {len(references)} images")
    for image, (candidate, texts) in enumerate(zip(candidates, references, strict=True)):
        if not texts:
            raise ValueError(f"image {image} has no references; leave it out of both lists")
        if isinstance(candidate, str) or isinstance(texts, str) or any(isinstance(text, str) for text in texts):
            raise TypeError(f"image {image}: a caption is a string; split it into words first (coco_words)")
