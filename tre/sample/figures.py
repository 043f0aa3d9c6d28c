"""Published figures the sample is drawn from, rounded. A figure is a share, a rate or a list; no figure is of any person."""

from __future__ import annotations

from dataclasses import dataclass

# NHS England region → its integrated care boards and their people in thousands (ONS mid-year estimates, to about 10 thousand).
BOARDS: dict[str, dict[str, int]] = {
    "East of England": {
        "Bedfordshire, Luton and Milton Keynes": 1010,
        "Cambridgeshire and Peterborough": 910,
        "Hertfordshire and West Essex": 1520,
        "Mid and South Essex": 1210,
        "Norfolk and Waveney": 1040,
        "Suffolk and North East Essex": 1010,
    },
    "London": {
        "North Central London": 1440,
        "North East London": 2030,
        "North West London": 2120,
        "South East London": 1830,
        "South West London": 1490,
    },
    "Midlands": {
        "Birmingham and Solihull": 1370,
        "Black Country": 1210,
        "Coventry and Warwickshire": 960,
        "Derby and Derbyshire": 1070,
        "Herefordshire and Worcestershire": 800,
        "Leicester, Leicestershire and Rutland": 1140,
        "Lincolnshire": 780,
        "Northamptonshire": 800,
        "Nottingham and Nottinghamshire": 1170,
        "Shropshire, Telford and Wrekin": 520,
        "Staffordshire and Stoke-on-Trent": 1140,
    },
    "North East and Yorkshire": {
        "Humber and North Yorkshire": 1700,
        "North East and North Cumbria": 2990,
        "South Yorkshire": 1390,
        "West Yorkshire": 2390,
    },
    "North West": {"Cheshire and Merseyside": 2530, "Greater Manchester": 2910, "Lancashire and South Cumbria": 1740},
    "South East": {
        "Buckinghamshire, Oxfordshire and Berkshire West": 1790,
        "Frimley": 760,
        "Hampshire and Isle of Wight": 1820,
        "Kent and Medway": 1890,
        "Surrey Heartlands": 1070,
        "Sussex": 1720,
    },
    "South West": {
        "Bath and North East Somerset, Swindon and Wiltshire": 940,
        "Bristol, North Somerset and South Gloucestershire": 990,
        "Cornwall and the Isles of Scilly": 580,
        "Devon": 1230,
        "Dorset": 780,
        "Gloucestershire": 660,
        "Somerset": 580,
    },
}
PEOPLE_IN_A_PRACTICE = 9_300  # NHS England, patients registered at a practice: about 6,200 practices

# Per cent Asian, Black, Mixed, White; the rest is Other (Census 2021, England). 5 % are not stated, 3 % have no record.
ETHNICITY: dict[str, tuple[float, float, float, float]] = {
    "East of England": (6.4, 2.9, 2.8, 86.5),
    "London": (20.7, 13.5, 5.7, 53.8),
    "Midlands": (11.0, 3.6, 2.7, 81.2),
    "North East and Yorkshire": (7.4, 1.7, 1.7, 88.2),
    "North West": (8.4, 2.3, 2.2, 85.6),
    "South East": (7.0, 2.4, 2.8, 86.3),
    "South West": (2.8, 1.2, 2.0, 93.1),
}
# How far a region leans to the deprived deciles (+) or away from them (−), from −1 to 1 (English indices of deprivation 2019).
DEPRIVATION = {
    "East of England": -0.20,
    "London": 0.15,
    "Midlands": 0.15,
    "North East and Yorkshire": 0.35,
    "North West": 0.40,
    "South East": -0.45,
    "South West": -0.20,
}
# Share of women and of men by age: first age of the band, per mille of women, of men (Census 2021, England).
AGES = (
    *((0, 52, 56), (5, 57, 61), (10, 58, 62), (15, 55, 59), (20, 58, 61), (25, 65, 67), (30, 70, 70), (35, 67, 66)),
    *((40, 63, 63), (45, 63, 64), (50, 69, 69), (55, 67, 67), (60, 58, 57), (65, 49, 48), (70, 50, 47), (75, 38, 34)),
    *((80, 28, 23), (85, 20, 14), (90, 13, 6)),
)
# First age of a band → per mille of that age who died in the years the sample covers.
DEATHS = ((0, 2), (40, 12), (55, 35), (65, 90), (75, 190), (85, 420))
BANDS = (0, 18, 40, 55, 65, 75, 85)


@dataclass(frozen=True)
class Condition:
    """A long-term condition: per cent who have it at each age of `BANDS`, women's and men's share of that, its codes from the
    commonest on, its medicines (code, usual quantity), and how often a year it is recorded again."""

    name: str
    percent: tuple[float, ...]
    women: float
    men: float
    first_age: int
    again: float
    codes: tuple[str, ...]
    medicines: tuple[tuple[str, int], ...]


# Quality and Outcomes Framework 2023/24, and Health Survey for England by age and sex, rounded.
CONDITIONS = (
    Condition(
        *("asthma", (5, 7, 6.5, 6.5, 7, 7, 6), 1.1, 0.9, 2, 0.35),
        ("195967001", "370218001", "233678006", "370219009", "389145006", "708090002", "370221004"),
        (("0301011R0AAAPAP", 1), ("0302000C0AABVBV", 1), ("0302000N0AAAZAZ", 1)),
    ),
    Condition(
        *("atrial-fibrillation", (0, 0.1, 0.5, 2, 5, 11.5, 20), 0.8, 1.2, 30, 0.3),
        ("49436004", "282825002", "440059007", "440028005", "5370000"),
        (("0208020Z0AAABAB", 56), ("0204000H0AAAKAK", 28), ("0208020V0AAADAD", 28)),
    ),
    Condition(
        *("cancer", (0.1, 0.5, 2.5, 6, 10.5, 15, 16), 1.0, 1.0, 5, 0.5),
        ("363346000", "254837009", "399068003", "363406005", "254637007", "372244006", "118600007", "399326009"),
        (("0803041S0AAABAB", 28), ("0407020Q0AAAFAF", 56)),
    ),
    Condition(
        *("chd", (0, 0.1, 1.5, 5, 9.5, 16.5, 20), 0.7, 1.3, 35, 0.3),
        ("53741008", "414545008", "194828000", "22298006", "57054005", "401314000", "401303003"),
        (("0209000A0AAABAB", 28), ("0212000B0AAABAB", 28), ("0204000H0AAAKAK", 28)),
    ),
    Condition(
        *("ckd", (0, 0.2, 1, 3, 8, 20, 32), 1.1, 0.9, 30, 0.4),
        ("709044004", "433144002", "700378005", "700379002", "431857002", "433146000"),
        (("0205051R0AAAKAK", 28), ("0212000B0AAAAAA", 28)),
    ),
    Condition(
        *("copd", (0, 0.1, 1.2, 4, 7, 8.5, 7), 0.95, 1.05, 38, 0.6),
        ("13645005", "313297008", "313296004", "195951007", "87433001", "313299006"),
        (("0301020Q0AAAAAA", 1), ("0301011R0AAAPAP", 1)),
    ),
    Condition(
        *("dementia", (0, 0, 0, 0.2, 1, 4.7, 14.5), 1.15, 0.85, 55, 0.5),
        ("52448006", "26929004", "429998004", "56267009", "312991009"),
        (("0411000D0AAAAAA", 28), ("0411000G0AAAAAA", 28)),
    ),
    Condition(
        *("depression", (0.5, 13, 16, 14.5, 11, 10, 10), 1.35, 0.65, 12, 0.3),
        ("35489007", "310495003", "310496002", "231504006", "370143000", "66344007"),
        (("0403030Q0AAAAAA", 28), ("0403030D0AAAAAA", 28), ("0403040X0AAANAN", 28)),
    ),
    Condition(
        *("diabetes", (0.3, 1.2, 6, 12, 16.5, 19, 16.5), 0.88, 1.12, 8, 0.9),
        ("44054006", "73211009", "313436004", "46635009", "422034002", "237599002", "127013003"),
        (("0601022B0AAABAB", 84), ("0601021M0AAAAAA", 56), ("0212000B0AAABAB", 28)),
    ),
    Condition(
        *("epilepsy", (0.4, 0.7, 0.9, 1, 1, 1.1, 1.1), 0.97, 1.03, 1, 0.4),
        ("84757009", "19598007", "352818000", "29753000", "79631006"),
        (("0408010H0AAABAB", 56), ("0408010W0AAAHAH", 56)),
    ),
    Condition(
        *("heart-failure", (0, 0.05, 0.3, 1, 2.2, 5, 10), 0.85, 1.15, 40, 0.8),
        ("84114007", "42343007", "703272007", "446221000", "48447003", "85232009"),
        (("0202020L0AABBBB", 28), ("0205051R0AAAKAK", 28), ("0204000H0AAAKAK", 28)),
    ),
    Condition(
        *("hypertension", (0, 2, 11, 25, 41, 52, 54), 0.95, 1.05, 20, 0.5),
        ("38341003", "59621000", "1201005", "56218007", "10725009"),
        (("0206020A0AAAAAA", 28), ("0205051R0AAAKAK", 28), ("0202010B0AAABAB", 28)),
    ),
)
BIT = {condition.name: place for place, condition in enumerate(CONDITIONS)}

# Contacts and findings that belong to no list, from the commonest on (SNOMED CT).
CONTACTS = (
    *("185349003", "86198006", "266919005", "54150009", "308335008", "161891005", "8517006", "77176002", "43116000", "68566005"),
    *("396275006", "235595009", "197480006", "40930008", "37796009", "62315008", "21719001", "49727002", "25064002", "271737000"),
)
# Medicines for what passes (code, usual quantity).
ACUTE = (
    *(("0407010H0AAAMAM", 100), ("0103050P0AAAAAA", 28), ("0501013B0AAABAB", 21), ("1001010J0AAADAD", 84)),
    *(("0602010V0AABWBW", 28), ("0501013B0AAAAAA", 15), ("1301010N0AAAAAA", 500), ("0304010G0AAAAAA", 30)),
    *(("0501030I0AAABAB", 8), ("0906024N0AAAJAJ", 28)),
)
