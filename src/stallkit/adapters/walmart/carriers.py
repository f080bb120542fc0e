"""Carrier names that Walmart accepts, and the way from our free text to one of them.

Source: the enumeration of ``carrierName.carrier`` in the orders contract (2023) and the page "Supported carrier names" (2026).
"""

from __future__ import annotations

CARRIERS = (
    "UPS", "USPS", "FedEx", "Airborne", "OnTrac", "DHL Ecommerce - US", "DHL", "LS", "UDS", "UPSMI", "FDX", "PILOT", "ESTES", "SAIA",
    "FDS Express", "Seko Worldwide", "HIT Delivery", "FEDEXSP", "RL Carriers", "Metropolitan Warehouse & Delivery", "China Post",
    "YunExpress", "Yellow Freight Sys", "AIT Worldwide Logistics", "Chukou1", "Sendle", "Landmark Global", "Sunyou", "Yanwen", "4PX",
    "GLS", "OSM Worldwide", "FIRST MILE", "AM Trucking", "CEVA", "India Post", "SF Express", "CNE", "TForce Freight", "AxleHire", "LSO",
    "Royal Mail", "ABF Freight System", "WanB", "Roadrunner Freight", "Meyer Distribution", "AAA Cooper", "Canada Post",
    "Southeastern Freight Lines", "Japan Post", "Correos de Mexico", "XPO Logistics", "JD Logistics", "YDH", "JCEX", "Flyt",
    "Deutsche Post", "Better Trucks", "Asendia", "SFC", "UBI", "ePost Global", "YF Logistics", "RXO", "Estes Express", "Shypmax",
    "WIN.IT America", "PITT OHIO", "PostNord Sweden", "Equick", "Whistl",
)  # fmt: skip

ALIASES = {
    "federalexpress": "FedEx",
    "fedexsmartpost": "FEDEXSP",
    "lasership": "LS",
    "uniteddeliveryservice": "UDS",
    "uniteddeliveryservices": "UDS",
    "upsmailinnovations": "UPSMI",
    "unitedparcelservice": "UPS",
    "unitedstatespostalservice": "USPS",
    "uspostalservice": "USPS",
    "dhlecommerce": "DHL Ecommerce - US",
    "dhlecommerceus": "DHL Ecommerce - US",
    "dhlexpress": "DHL",
}


def _key(text: str) -> str:
    return "".join(letter for letter in text.casefold() if letter.isalnum())


KNOWN = {_key(name): name for name in CARRIERS} | ALIASES


def carrier_of(text: str) -> str | None:
    """Walmart's exact name for our text ("Fed Ex" -> "FedEx"); None if Walmart does not list the carrier."""
    return KNOWN.get(_key(text))
