"""Numbers and words as people read them, on pages, in reports and in sentences."""

from analysis.protocol import ALPHA

MINUS = "−"
RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def number(value: float | None, digits: int = 2, *, plus: bool = False) -> str:
    """A number with a true minus sign, never −0, with a plus sign on request; n/a for None."""
    if value is None:
        return "n/a"
    text = f"{value:.{digits}f}"
    if float(text) == 0:
        return text.lstrip("-")
    return ("+" if plus and value > 0 else "") + text.replace("-", MINUS)


def significant(value: float | None, digits: int = 4) -> str:
    """A number to so many digits, of any size: 0.25, −3.2 × 10⁻⁷; n/a for None."""
    return "n/a" if value is None else raised(f"{value:.{digits}g}").replace("-", MINUS)


def raised(text: str) -> str:
    """A number in the notation of computers, 4.4e-12, as people write it, 4.4 × 10⁻¹²; any other as it is."""
    digits, _, exponent = text.partition("e")
    return f"{digits} × 10{str(int(exponent)).translate(RAISED)}" if exponent else digits


def p_value(p: float | None) -> str:
    """< 0.001, three decimals below 0.1, else two; more where they would read 0.05, so that the side is seen."""
    if p is None:
        return "n/a"
    if p < 0.001:
        return "< 0.001"
    digits = 3 if p < 0.0995 else 2
    while round(p, digits) == ALPHA != p and digits < 12:
        digits += 1
    return f"{p:.{digits}f}"


def percent(share: float) -> str:
    """A share from 0 to 1 in percent, to three digits, never in powers of ten."""
    text = f"{100 * share:#.3g}"
    return f"{text.rstrip('0').rstrip('.') if '.' in text else text} %"


def capitalised(text: str) -> str:
    """Text that begins a sentence."""
    return text[:1].upper() + text[1:]
