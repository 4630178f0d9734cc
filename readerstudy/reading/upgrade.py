"""Chain and sign answers from before there were MACs, with the models of a migration (`audit.upgrade`)."""

from collections import defaultdict

from readerstudy.reading.answers import empty_head, link_row

# What an answer is, in the order of one moment, and its time.
TIMES = {
    "Rating": "rated_at",
    "Statement": "stated_at",
    "Finding": "found_at",
    "Withdrawal": "withdrawn_at",
    "ActiveTime": "reported_at",
    "Guess": "guessed_at",
}
BATCH = 500


def sign_answers(apps, study) -> int:
    """Chain and sign the answers of every presentation by their time; returns how many there are."""
    models = {name: apps.get_model("reading", name) for name in TIMES}
    rows = defaultdict(list)
    for name, time in TIMES.items():
        for row in models[name].objects.filter(presentation__study=study).order_by("pk"):
            rows[row.presentation_id].append((getattr(row, time), name, row))
    for presentation, found in rows.items():
        for finding in [row for _, name, row in found if name == "Finding" and row.withdrawn_at]:
            at = finding.withdrawn_at
            made = models["Withdrawal"](presentation_id=presentation, finding=finding, withdrawn_at=at)
            found.append((at, "Withdrawal", made))
    order, signed, ends = list(TIMES), defaultdict(list), []
    for presentation in apps.get_model("reading", "Presentation").objects.filter(study=study).order_by("pk"):
        head = empty_head(apps.get_model("reading", "AnswerHead"), presentation)
        for _, name, row in sorted(
            rows[presentation.pk], key=lambda one: (one[0], order.index(one[1]), one[2].pk or 0)
        ):
            link_row(row, head)
            signed[name].append(row)
        ends.append(head)
    for name, made in signed.items():
        if name == "Withdrawal":
            models[name].objects.bulk_create(made, batch_size=BATCH)
        else:
            models[name].objects.bulk_update(made, ["number", "mac"], batch_size=BATCH)
    apps.get_model("reading", "AnswerHead").objects.bulk_create(ends, batch_size=BATCH)
    return sum(map(len, signed.values()))
