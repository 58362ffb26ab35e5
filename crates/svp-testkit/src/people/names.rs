//! Names. Surnames are put together from invented stems, so that a search for one in an output cannot meet
//! an ordinary word; forenames are ordinary and have nicknames.

/// Men's forenames; the last sixteen are commoner outside the white group.
#[rustfmt::skip]
pub const MALE: [&str; 64] = [
    "William", "Robert", "Christopher", "Jonathan", "Nicholas", "Alexander", "Michael", "Thomas", "Daniel", "Matthew",
    "Anthony", "Benjamin", "Samuel", "Joseph", "Edward", "Frederick", "Andrew", "Stephen", "Gareth", "Callum",
    "Connor", "Dylan", "Ethan", "Finley", "Gordon", "Harvey", "Isaac", "Jordan", "Kieran", "Lewis",
    "Malcolm", "Nathan", "Oliver", "Patrick", "Quentin", "Rhodri", "Simon", "Tristan", "Vernon", "Wesley",
    "Zachary", "André", "Barnaby", "Clifford", "Desmond", "Elliott", "Fergus", "Graham", "Mohammed", "Imran",
    "Rashid", "Sanjay", "Vikram", "Kwame", "Tobias", "Emeka", "Chidi", "Winston", "Delroy", "Jamal",
    "Haruto", "Zhiwei", "Farouk", "Yusuf",
];

/// Women's forenames; the last sixteen are commoner outside the white group.
#[rustfmt::skip]
pub const FEMALE: [&str; 64] = [
    "Elizabeth", "Margaret", "Katherine", "Rebecca", "Jennifer", "Victoria", "Susannah", "Charlotte", "Stephanie", "Abigail",
    "Beatrice", "Caroline", "Deborah", "Eleanor", "Frances", "Georgina", "Harriet", "Isobel", "Jessica", "Kimberley",
    "Louise", "Miranda", "Nicola", "Ottilie", "Philippa", "Rosalind", "Samantha", "Tabitha", "Ursula", "Vanessa",
    "Winifred", "Yvonne", "Noëlle", "Chloé", "Bethany", "Catrin", "Daphne", "Emmeline", "Felicity", "Gwendoline",
    "Helena", "Imogen", "Josephine", "Lydia", "Megan", "Naomi", "Olivia", "Paloma", "Aisha", "Fatima",
    "Priya", "Ananya", "Nasreen", "Adaeze", "Ngozi", "Folasade", "Shanice", "Latoya", "Xiuying", "Meilin",
    "Sakura", "Leila", "Yasmin", "Zainab",
];

#[rustfmt::skip]
const NICKNAMES: [(&str, &str); 26] = [
    ("William", "Billy"), ("Robert", "Bobby"), ("Christopher", "Kristo"), ("Jonathan", "Jonny"), ("Nicholas", "Nicky"),
    ("Alexander", "Lexan"), ("Michael", "Micky"), ("Thomas", "Tommy"), ("Daniel", "Danny"), ("Matthew", "Matty"),
    ("Benjamin", "Benjy"), ("Samuel", "Sammy"), ("Joseph", "Joeys"), ("Edward", "Teddy"), ("Frederick", "Freddie"),
    ("Elizabeth", "Lizzie"), ("Margaret", "Maggie"), ("Katherine", "Katie"), ("Rebecca", "Becky"), ("Jennifer", "Jenny"),
    ("Victoria", "Vicky"), ("Susannah", "Susie"), ("Charlotte", "Lottie"), ("Stephanie", "Steffi"), ("Deborah", "Debbie"),
    ("Samantha", "Sammie"),
];

#[rustfmt::skip]
const STEMS: [&str; 40] = [
    "Quill", "Thrum", "Brack", "Dolver", "Fenwither", "Grimble", "Haddle", "Jessop", "Kettle", "Lorri",
    "Murrow", "Nettle", "Ogle", "Pottin", "Rizzle", "Skelder", "Trewin", "Umber", "Vizzard", "Wrack",
    "Yarrow", "Zeal", "Ashkel", "Bodwin", "Crumple", "Drusken", "Ellac", "Frizzen", "Gossam", "Huckle",
    "Ivvins", "Jowett", "Knapper", "Luxul", "Mizzle", "Nancar", "Orchel", "Penhal", "Ruddle", "Sprock",
];
#[rustfmt::skip]
const ENDINGS: [&str; 25] = [
    "by", "combe", "dale", "don", "dyke", "ell", "ester", "fold", "gill", "ham", "hurst", "ington", "kirk", "leigh",
    "man", "more", "nett", "ock", "ridge", "sby", "stead", "thwaite", "ton", "wick", "worth",
];

/// The number of surnames.
#[must_use]
pub fn surname_count() -> usize {
    STEMS.len() * ENDINGS.len()
}

/// A surname.
#[must_use]
pub fn surname(index: usize) -> String {
    format!("{}{}", STEMS[index % STEMS.len()], ENDINGS[(index / STEMS.len()) % ENDINGS.len()])
}

/// The nickname of a forename.
#[must_use]
pub fn nickname(forename: &str) -> Option<&'static str> {
    NICKNAMES.iter().find(|(name, _)| *name == forename).map(|(_, nick)| *nick)
}
