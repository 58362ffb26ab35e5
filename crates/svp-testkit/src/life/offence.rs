//! Offences: class, title, how often, who and where.

/// What sort of offence it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sort {
    /// Violence against the person.
    Violence,
    /// Stalking, harassment, malicious communications.
    Harassment,
    /// Sexual offences.
    Sexual,
    /// Robbery.
    Robbery,
    /// Possession of weapons.
    Weapon,
    /// Public order.
    Disorder,
    /// Theft, burglary, damage.
    Property,
    /// Drugs.
    Drugs,
    /// Everything else.
    Other,
}

/// An offence class.
#[derive(Debug, Clone, Copy)]
pub struct Offence {
    /// Canonical class, such as `8N` or `4.10`.
    pub code: &'static str,
    /// Class and sub-class numbers of the Home Office code.
    pub ho: (u32, u32),
    /// Titles as found in extracts.
    pub titles: &'static [&'static str],
    /// Sort.
    pub sort: Sort,
    /// How many in two years among 8,000 people.
    pub count: f64,
    /// Share of male victims; below 0 = no victim is a person.
    pub male: f64,
    /// Share of domestic ones among male and female victims.
    pub domestic: (f64, f64),
    /// Category on data.police.uk.
    pub open: &'static str,
}

/// Whether a class is serious violence as the OPCC defined it in 2020: murder, attempted murder, section 18.
#[must_use]
pub fn serious(code: &str) -> bool {
    matches!(code, "1" | "2" | "5D")
}

const VSO: &str = "Violence and sexual offences";

#[allow(clippy::too_many_arguments)]
const fn offence(
    code: &'static str,
    ho: (u32, u32),
    titles: &'static [&'static str],
    sort: Sort,
    count: f64,
    male: f64,
    domestic: (f64, f64),
    open: &'static str,
) -> Offence {
    Offence { code, ho, titles, sort, count, male, domestic, open }
}

const NONE: (f64, f64) = (0.0, 0.0);
const NOBODY: f64 = -1.0;

/// Assaults that never reach the police.
#[rustfmt::skip]
pub const HIDDEN: Offence = offence("", (0, 0), &["Assault"], Sort::Violence, 760.0, 0.68, (0.14, 0.55), "");

/// The offences.
#[rustfmt::skip]
pub const OFFENCES: [Offence; 50] = [
    offence("5D", (5, 1), &["Wounding with intent to cause GBH (Section 18)", "GBH with intent - S18 OAPA 1861", "Assault with intent to cause serious harm"], Sort::Violence, 930.0, 0.75, (0.11, 0.50), VSO),
    offence("2", (2, 0), &["Attempted murder"], Sort::Violence, 40.0, 0.75, (0.11, 0.50), VSO),
    offence("1", (1, 1), &["Murder", "Murder - victim aged 1 year or over"], Sort::Violence, 30.0, 0.75, (0.11, 0.50), VSO),
    offence("8N", (8, 6), &["Assault occasioning actual bodily harm (Section 47)", "Assault occasioning ABH (Sec 47)", "Assault with Injury", "Attempted - Assault occasioning actual bodily harm"], Sort::Violence, 640.0, 0.55, (0.18, 0.52), VSO),
    offence("8S", (8, 60), &["Assault with injury on a constable"], Sort::Violence, 20.0, 0.7, NONE, VSO),
    offence("8P", (8, 33), &["Racially or religiously aggravated assault with injury"], Sort::Violence, 12.0, 0.6, NONE, VSO),
    offence("5E", (5, 10), &["Endangering life"], Sort::Violence, 8.0, 0.6, (0.1, 0.3), VSO),
    offence("4.1", (4, 1), &["Manslaughter"], Sort::Violence, 2.0, 0.7, (0.1, 0.4), VSO),
    offence("4.4", (4, 4), &["Causing death by dangerous driving"], Sort::Other, 2.0, 0.6, NONE, VSO),
    offence("3B", (3, 1), &["Threats to kill"], Sort::Violence, 60.0, 0.45, (0.3, 0.6), VSO),
    offence("11A", (11, 1), &["Cruelty to children/young persons"], Sort::Violence, 12.0, 0.5, (1.0, 1.0), VSO),
    offence("36", (36, 1), &["Kidnapping"], Sort::Violence, 4.0, 0.6, (0.1, 0.4), VSO),
    offence("104", (104, 25), &["Assault without injury on a constable"], Sort::Violence, 24.0, 0.7, NONE, VSO),
    offence("105A", (105, 1), &["Common assault (S39) and assault without injury", "Common assault and battery", "Assault without injury"], Sort::Violence, 420.0, 0.48, (0.2, 0.5), VSO),
    offence("105B", (105, 2), &["Racially or religiously aggravated assault without injury"], Sort::Violence, 10.0, 0.55, NONE, VSO),
    offence("8L", (8, 30), &["Harassment", "Harassment without violence"], Sort::Harassment, 130.0, 0.35, (0.3, 0.6), VSO),
    offence("8Q", (8, 50), &["Stalking involving fear of violence"], Sort::Harassment, 34.0, 0.2, (0.3, 0.6), VSO),
    offence("8R", (8, 55), &["Sending letters etc with intent to cause distress or anxiety", "Malicious communications"], Sort::Harassment, 60.0, 0.4, (0.2, 0.4), VSO),
    offence("19C", (19, 8), &["Rape of a female aged 16 and over"], Sort::Sexual, 36.0, 0.0, (0.5, 0.5), VSO),
    offence("19F", (19, 9), &["Rape of a male aged 16 and over"], Sort::Sexual, 4.0, 1.0, (0.3, 0.3), VSO),
    offence("17A", (17, 15), &["Sexual assault on a male aged 13 and over"], Sort::Sexual, 5.0, 1.0, (0.1, 0.1), VSO),
    offence("20A", (20, 5), &["Sexual assault on a female aged 13 and over"], Sort::Sexual, 44.0, 0.0, (0.2, 0.2), VSO),
    offence("88A", (88, 1), &["Sexual grooming"], Sort::Sexual, 5.0, 0.2, NONE, VSO),
    offence("34B", (34, 2), &["Robbery of personal property", "Robbery - personal"], Sort::Robbery, 60.0, 0.8, NONE, "Robbery"),
    offence("34A", (34, 1), &["Robbery of business property"], Sort::Robbery, 8.0, 0.6, NONE, "Robbery"),
    offence("10D", (8, 26), &["Possession of article with blade or point"], Sort::Weapon, 40.0, NOBODY, NONE, "Possession of weapons"),
    offence("10C", (8, 25), &["Possession of other weapons"], Sort::Weapon, 12.0, NOBODY, NONE, "Possession of weapons"),
    offence("92A", (92, 70), &["Trafficking in controlled drugs"], Sort::Drugs, 26.0, NOBODY, NONE, "Drugs"),
    offence("92D", (92, 40), &["Possession of controlled drugs (excl. cannabis)"], Sort::Drugs, 26.0, NOBODY, NONE, "Drugs"),
    offence("92E", (92, 41), &["Possession of cannabis"], Sort::Drugs, 44.0, NOBODY, NONE, "Drugs"),
    offence("9A", (125, 9), &["Public fear, alarm or distress"], Sort::Disorder, 60.0, 0.6, NONE, "Public order"),
    offence("62A", (62, 1), &["Violent disorder"], Sort::Disorder, 6.0, 0.8, NONE, "Public order"),
    offence("66", (66, 1), &["Affray", "Other offences against the State or public order"], Sort::Disorder, 26.0, 0.7, NONE, "Public order"),
    offence("58A", (149, 1), &["Criminal damage to a dwelling"], Sort::Property, 44.0, 0.5, (0.3, 0.4), "Criminal damage and arson"),
    offence("58B", (149, 2), &["Criminal damage to a building other than a dwelling"], Sort::Property, 20.0, NOBODY, NONE, "Criminal damage and arson"),
    offence("58C", (149, 3), &["Criminal damage to a vehicle"], Sort::Property, 54.0, 0.6, NONE, "Criminal damage and arson"),
    offence("58D", (149, 4), &["Other criminal damage"], Sort::Property, 20.0, 0.5, NONE, "Criminal damage and arson"),
    offence("56B", (56, 2), &["Arson not endangering life"], Sort::Property, 8.0, 0.5, NONE, "Criminal damage and arson"),
    offence("56A", (56, 1), &["Arson endangering life"], Sort::Property, 4.0, 0.5, NONE, "Criminal damage and arson"),
    offence("28E", (28, 3), &["Burglary - residential - dwelling"], Sort::Property, 44.0, 0.5, NONE, "Burglary"),
    offence("39", (39, 0), &["Theft from the person"], Sort::Property, 24.0, 0.4, NONE, "Theft from the person"),
    offence("44", (44, 0), &["Theft or unauthorised taking of a pedal cycle"], Sort::Property, 20.0, 0.7, NONE, "Bicycle theft"),
    offence("45", (45, 10), &["Theft from a vehicle"], Sort::Property, 34.0, 0.6, NONE, "Vehicle crime"),
    offence("46", (46, 0), &["Shoplifting", "Theft from shops and stalls"], Sort::Property, 110.0, NOBODY, NONE, "Shoplifting"),
    offence("48", (48, 1), &["Theft or unauthorised taking of a motor vehicle"], Sort::Property, 16.0, 0.6, NONE, "Vehicle crime"),
    offence("49", (49, 10), &["Other theft"], Sort::Property, 60.0, 0.5, NONE, "Other theft"),
    offence("35", (35, 0), &["Blackmail"], Sort::Other, 5.0, 0.7, NONE, "Other crime"),
    offence("99", (99, 99), &["Other notifiable offences"], Sort::Other, 10.0, NOBODY, NONE, "Other crime"),
    offence("19D", (19, 16), &["Rape of a female aged under 16"], Sort::Sexual, 6.0, 0.0, (0.5, 0.5), VSO),
    offence("4.10", (4, 10), &["Corporate manslaughter"], Sort::Other, 0.0, 0.7, NONE, VSO),
];

/// Whether the hotspots attract an offence.
pub(super) fn attracted(offence: &Offence) -> bool {
    matches!(offence.sort, Sort::Violence | Sort::Robbery | Sort::Weapon | Sort::Disorder)
        && !matches!(offence.code, "11A" | "34A")
}
