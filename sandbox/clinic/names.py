"""Words to make people of: names, streets, towns; no real person is meant."""

# ruff: noqa: RUF001 because names are spelt as their bearers spell them

GIVEN_MALE = (
    "James", "Liam", "Noah", "Ethan", "Mateo", "José", "André", "Björn", "Søren", "Łukasz",
    "Jürgen", "D'Angelo", "Kwame", "Hiroshi", "大輔", "伟", "민준", "Юрий", "Γιώργος", "Omar",
    "Jean-Luc", "Samuel", "Victor", "Walter", "Isaac", "Thabo", "Ravi", "Emeka", "Tomás", "Zoltán",
)  # fmt: skip
GIVEN_FEMALE = (
    "Mary", "Olivia", "Emma", "Zoë", "Chloé", "María", "Åsa", "Siobhán", "Renée", "Anaïs", "Ngozi",
    "Priya", "さくら", "美玲", "서연", "Ольга", "Ελένη", "Anne-Marie", "Fatima", "Aaliyah", "Grace",
    "Ruth", "Ingrid", "Noémie", "Leïla", "Amara", "Beatriz", "Hana", "Ines", "Tamar",
)  # fmt: skip
FAMILY = (
    "Smith", "Johnson", "Garcia", "Martínez", "O'Brien", "O’Neill", "D'Souza", "van der Berg",
    "de la Cruz", "Müller", "Nuñez", "Ångström", "Čapek", "Łukasiewicz", "Nguyễn", "山田", "王",
    "김", "Иванов", "Παπαδόπουλος", "Smith-Jones", "St. Claire", "MacDonald", "Haddad", "Okafor",
    "Patel", "Kowalski", "Rossi", "Silva", "Yılmaz", "Bjørnsen", "Fernández", "Lee", "Ng", "Wu",
    "Castillo", "Abernathy", "Featherstonehaugh", "Sánchez", "Dubois",
)  # fmt: skip
STREETS = (
    "Maple Ave", "Elm Street", "Martin Luther King Jr. Blvd", "5th Ave", "Calle Ocho", "Main St.",
    "Rue de l'Église", "Sunset Blvd", "Old Mill Rd", "County Road 12", "Ångström Way", "Broadway",
)  # fmt: skip
TOWNS = (
    ("Springfield", "MA", "01101"), ("Boston", "MA", "02108"), ("Cañon City", "CO", "81212"),
    ("San José", "CA", "95112"), ("Los Angeles", "CA", "90012"), ("La Jolla", "CA", "92037"),
    ("Albany", "NY", "12207"), ("Coeur d'Alene", "ID", "83814"), ("Austin", "TX", "78701"),
    ("St. Louis", "MO", "63101"), ("Portland", "OR", "97204"), ("Miami", "FL", "33130"),
)  # fmt: skip
LANGUAGES = ("", "", "english", "English", "spanish", "Spanish", "chinese", "french")
RACES = ("", "", "", "white", "black_or_afri_amer", "Asian")
ETHNICITIES = ("", "", "hisp_or_latin", "not_hisp_or_latin", "decline_to_specify")
STATUSES = ("married", "single", "divorced", "widowed", "separated", "domestic partner", "", "")
OCCUPATIONS = (None, "", "Teacher", "Retired", "nurse (RN)", "Électricien", "n/a", "-")
