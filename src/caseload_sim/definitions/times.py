"""Times that labels of a scenario say: months such as 2025-04, and times waited such as 29_to_90_days."""

import re
from datetime import date

DAYS_PER_WEEK, DAYS_PER_YEAR = 7, 365
MONTHS_PER_YEAR = 12
FIRST_DATE, LAST_DATE = date(1978, 1, 1), date(2100, 12, 31)  # between which England's bank holidays are known


def days_of_month(label: str) -> tuple[date, date]:
    """The first and the last day of a month such as 2025-04. Raises ValueError for anything else."""
    number = number_of_month(label)
    first, year, month = date(int(label[:4]), int(label[5:]), 1), *divmod(number + 1, MONTHS_PER_YEAR)
    return first, date.fromordinal(date(1970 + year, month + 1, 1).toordinal() - 1)


def number_of_month(label: str) -> int:
    """Months since January 1970 of a month such as 2025-04. Raises ValueError for anything else."""
    if not re.fullmatch(r"[0-9]{4}-(0[1-9]|1[0-2])", label):
        raise ValueError(f"'{label}' is not a month; write it as 2025-04")
    year, month = int(label[:4]), int(label[5:])
    if not FIRST_DATE.year <= year <= LAST_DATE.year:
        raise ValueError(f"{label} is out of range; it must be from {FIRST_DATE.year}-01 to {LAST_DATE.year}-12")
    return (year - 1970) * MONTHS_PER_YEAR + month - 1


_WAITED = re.compile(
    r"(?:under_(?P<under>\d{1,5})|up_to_(?P<up_to>\d{1,5})|(?P<low>\d{1,5})_to_(?P<high>\d{1,5})|over_(?P<over>\d{1,5}))_(?P<unit>days|weeks)"
)


def days_waited(label: str) -> tuple[int, int | None]:
    """From how many days on, and up to how many, both included, of times such as 29_to_90_days or over_18_weeks.

    >>> days_waited("under_28_days"), days_waited("2_to_4_weeks"), days_waited("over_18_weeks")
    ((0, 27), (15, 28), (127, None))

    Weeks begin after the day on which those before end, as published: 2_to_4_weeks is day 15 to day 28, and 0_to_2_weeks day 0 to
    day 14. Raises ValueError for anything else.
    """
    found = _WAITED.fullmatch(label)
    if found is None:
        raise ValueError(
            f"'{label}' is no time waited; write it as under_28_days, up_to_4_weeks, 29_to_90_days or over_90_days"
        )
    days = DAYS_PER_WEEK if found["unit"] == "weeks" else 1
    if found["under"]:
        return 0, int(found["under"]) * days - 1
    if found["over"]:
        return int(found["over"]) * days + 1, None
    if found["up_to"]:
        return 0, int(found["up_to"]) * days
    low, high = int(found["low"]) * days, int(found["high"]) * days
    low += int(days > 1 and low > 0)
    if low > high:
        raise ValueError(f"'{label}' ends before it begins; give the shorter time first")
    return low, high
