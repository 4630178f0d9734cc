"""The MAC of a job: the site asked for exactly this work. Work that is done has none: it is not done again."""

from readerstudy.audit import keys


def _number_as_stored(value: object) -> object:
    """A parameter as every database gives it back: PostgreSQL writes some numbers in another way than they came."""
    if isinstance(value, dict):
        return {str(name): _number_as_stored(one) for name, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_number_as_stored(one) for one in value]
    return float(value) + 0.0 if isinstance(value, (int, float)) and not isinstance(value, bool) else value


def _signature(job) -> tuple:
    """What the MAC of a job is made over; who asked for it is one of its parameters where that matters."""
    return "job", job.key, job.study_id, job.function, job.version, _number_as_stored(job.parameters)


def mac_of(job) -> str:
    """HMAC-SHA-256 over what a job is to do."""
    return keys.sign(*_signature(job))


def is_signed(job) -> bool:
    """Whether this site asked for what a job is to do."""
    return bool(keys.signed_with(job.mac, *_signature(job)))


def sign(jobs) -> int:
    """Give those of these jobs that are not done and have no MAC one; returns how many. For jobs from before there
    were MACs."""
    found = list(jobs.filter(mac="").exclude(state="done"))
    for job in found:
        job.mac = mac_of(job)
    jobs.bulk_update(found, ["mac"], batch_size=500)
    return len(found)
