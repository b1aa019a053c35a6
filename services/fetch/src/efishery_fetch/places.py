"""The provinces of Indonesia, to recognize a row whose province and city are swapped (ADR 22).

Not a list of valid provinces: a name that is not here is served as it is.
"""

# All 38 since December 2022.
PROVINCES = frozenset(
    {
        "ACEH",
        "BALI",
        "BANTEN",
        "BENGKULU",
        "DAERAH ISTIMEWA YOGYAKARTA",
        "DKI JAKARTA",
        "GORONTALO",
        "JAMBI",
        "JAWA BARAT",
        "JAWA TENGAH",
        "JAWA TIMUR",
        "KALIMANTAN BARAT",
        "KALIMANTAN SELATAN",
        "KALIMANTAN TENGAH",
        "KALIMANTAN TIMUR",
        "KALIMANTAN UTARA",
        "KEPULAUAN BANGKA BELITUNG",
        "KEPULAUAN RIAU",
        "LAMPUNG",
        "MALUKU",
        "MALUKU UTARA",
        "NUSA TENGGARA BARAT",
        "NUSA TENGGARA TIMUR",
        "PAPUA",
        "PAPUA BARAT",
        "PAPUA BARAT DAYA",
        "PAPUA PEGUNUNGAN",
        "PAPUA SELATAN",
        "PAPUA TENGAH",
        "RIAU",
        "SULAWESI BARAT",
        "SULAWESI SELATAN",
        "SULAWESI TENGAH",
        "SULAWESI TENGGARA",
        "SULAWESI UTARA",
        "SUMATERA BARAT",
        "SUMATERA SELATAN",
        "SUMATERA UTARA",
    }
)
OTHER_NAMES = frozenset(
    {
        "BANGKA BELITUNG",
        "D.I. YOGYAKARTA",
        "DAERAH KHUSUS IBUKOTA JAKARTA",
        "DAERAH KHUSUS JAKARTA",
        "DI YOGYAKARTA",
        "DIY",
        "JABAR",
        "JAKARTA",
        "JATENG",
        "JATIM",
        "KEPRI",
        "NANGGROE ACEH DARUSSALAM",
        "NTB",
        "NTT",
        "SUMATRA BARAT",
        "SUMATRA SELATAN",
        "SUMATRA UTARA",
        "YOGYAKARTA",
    }
)
# In the city's field these prove nothing.
ALSO_CITIES = frozenset({"BENGKULU", "GORONTALO", "JAKARTA", "JAMBI", "YOGYAKARTA"})


def are_swapped(province: str | None, city: str | None) -> bool:
    """Return whether the city is certainly a province and the province, which is given, is not one.

    Both are in upper case with single spaces.
    """
    return province is not None and _is_province(city) and city not in ALSO_CITIES and not _is_province(province)


def _is_province(name: str | None) -> bool:
    return name in PROVINCES or name in OTHER_NAMES
