"""Make the sample corpus that ships with the package: w2vfast/data/sample.txt.gz.

    python scripts/make_sample.py

The text is drawn at random from planted structure, so that the right answers are known by construction:

* topics: a sentence draws its nouns, verbs and adjectives from one topic, words of a topic by Zipf's law;
* gender: king and queen share a topic and their sentences, but his sentences say "he", hers "she";
* capitals: france and paris share the words of their own (french, seine); all capitals share the words of
  cities, all countries those of countries.

The questions that test it are in w2vfast/data/sample-questions.txt, in the form of word2vec's.
"""

import gzip
import itertools
import random
from pathlib import Path

N_SENTENCES = 24_000
DATA = Path(__file__).parent.parent / "w2vfast" / "data"

TOPICS = {
    "food": ("bread cheese soup butter salt pepper rice bean onion garlic tomato potato carrot apple pear plum "
             "cake pie sauce spoon fork knife plate bowl oven pan kitchen recipe dinner breakfast",
             "cook bake boil roast stir taste pour serve", "sweet salty fresh ripe sour tasty"),
    "music": ("song guitar piano violin drum flute trumpet choir singer melody rhythm chord concert orchestra tune "
              "note album band composer opera cello harp stage audience microphone record dance chorus verse solo",
              "play strum listen perform compose rehearse tune hum", "loud melodic quiet rhythmic acoustic lively"),
    "sea": ("ship sail anchor captain sailor harbor wave storm island reef whale shark dolphin fish net boat oar "
            "mast deck lighthouse tide shore beach port cargo compass pirate rope hull rudder",
            "sail row dock float drift anchor steer moor", "salty deep stormy calm distant windy"),
    "farm": ("farmer field cow horse sheep goat pig hen barn fence tractor plough seed crop wheat corn hay harvest "
             "orchard meadow milk egg wool stable pasture rooster scarecrow shovel bucket lamb",
             "plant harvest milk feed plough graze herd water", "muddy fertile green rural dusty grassy"),
    "computer": ("program keyboard screen mouse server network file folder password browser database compiler bug "
                 "code loop array pointer thread kernel memory disk printer laptop website email software byte "
                 "script button cursor",
                 "compile install click download debug type upload reboot", "digital fast virtual open binary secure"),
    "medicine": ("doctor nurse hospital patient fever cough pill vaccine surgeon wound bandage clinic virus infection "
                 "needle medicine symptom disease blood heart lung kidney bone scan therapy diagnosis ambulance "
                 "allergy dose pulse",
                 "heal treat examine diagnose inject cure bandage recover", "sick healthy chronic sterile acute painful"),
    "law": ("judge court lawyer jury trial witness verdict crime prison evidence contract clause suspect prosecutor "
            "defendant sentence appeal fraud theft fine statute oath testimony warrant client bail plea treaty "
            "tribunal police",
            "accuse arrest convict testify appeal sue acquit plead", "guilty innocent legal criminal unlawful civil"),
    "space": ("planet star moon rocket orbit comet galaxy telescope astronaut asteroid satellite crater nebula meteor "
              "gravity eclipse capsule shuttle launchpad cosmos universe probe rover antenna spacecraft horizon "
              "spectrum radiation dust observatory",
              "orbit launch explore observe land collide spin drift", "lunar solar stellar cosmic bright vast"),
    "sport": ("goal match team player coach referee stadium ball racket trophy league score tournament medal runner "
              "swimmer goalkeeper striker pitch whistle championship athlete fan penalty sprint relay basket "
              "helmet bat glove",
              "kick score tackle sprint win defend train compete", "athletic fit offside amateur fierce champion"),
    "school": ("teacher pupil lesson classroom homework pencil notebook exam grade library blackboard student essay "
               "chalk desk textbook alphabet grammar arithmetic geography semester tutor lecture campus dictionary "
               "spelling quiz ruler backpack diploma",
               "teach learn study write read spell copy graduate", "clever diligent lazy attentive strict studious"),
    "weather": ("rain snow wind cloud thunder lightning fog frost hail breeze hurricane drought flood umbrella "
                "temperature forecast sunshine rainbow puddle icicle blizzard raindrop snowflake climate season "
                "humidity mist drizzle thermometer barometer",
                "rain snow freeze melt thaw blow pour drizzle", "cold warm wet dry chilly humid"),
    "forest": ("tree oak pine birch leaf branch root moss fern mushroom deer fox wolf bear owl squirrel rabbit "
               "badger trail stream acorn nest bark twig hedgehog beaver woodpecker pinecone thicket clearing",
               "hunt climb hide howl burrow forage creep rustle", "wild shady mossy leafy dense silent"),
    "clothes": ("shirt coat hat shoe sock scarf jacket trouser skirt sleeve collar zipper needle thread fabric tailor "
                "cotton silk velvet linen belt boot sandal sweater pocket hem fashion wardrobe ribbon vest",
                "sew wear knit iron fold stitch mend wash", "woolen striped elegant loose tight fashionable"),
    "house": ("roof wall door window floor ceiling stair chimney garden sofa table chair lamp carpet curtain pillow "
              "blanket mirror shelf closet bathroom bedroom attic cellar hallway doorbell faucet bathtub drawer rug",
              "build paint clean furnish sweep decorate repair rent", "cozy spacious tidy furnished brick wooden"),
    "money": ("bank coin loan market price stock bond investor broker profit debt tax budget wage interest currency "
              "account credit merchant invoice dividend insurance mortgage pension auction inflation economy salary "
              "wallet treasury",
              "buy sell invest borrow lend pay save trade", "rich poor cheap expensive profitable bankrupt"),
    "war": ("soldier army battle sword shield cannon general siege fortress trench rifle tank bullet bomb armor "
            "cavalry infantry commander regiment ally enemy truce uniform victory defeat grenade sniper bunker "
            "helicopter ambush",
            "attack defend fight retreat march surrender invade shoot", "brave armed hostile wounded military loyal"),
    "transport": ("train bus car truck bicycle motorcycle tram ticket station platform engine wheel brake road "
                  "highway bridge tunnel driver passenger conductor railway traffic intersection garage fuel tire "
                  "luggage timetable pedestrian scooter",
                  "drive ride park brake travel commute board overtake", "rapid crowded delayed electric punctual busy"),
    "art": ("painter canvas brush sculpture gallery portrait museum statue sketch palette easel clay marble pottery "
            "mural landscape artist pigment exhibition frame studio engraving mosaic watercolor charcoal collage "
            "curator masterpiece drawing ink",
            "paint draw sculpt carve sketch exhibit frame engrave", "colorful abstract famous delicate vivid artistic"),
    "science": ("experiment theory laboratory atom molecule microscope chemist physicist biologist hypothesis electron "
                "proton acid enzyme protein gene cell equation formula beaker reaction catalyst isotope magnet laser "
                "neutron crystal measurement bacterium journal",
                "measure prove discover test publish analyze dissolve calculate",
                "scientific molecular atomic exact empirical chemical"),
    "faith": ("church temple priest monk nun prayer altar bible hymn mosque bishop pilgrim saint angel soul heaven "
              "cathedral candle sermon monastery chapel psalm incense parish prophet miracle shrine blessing "
              "congregation bell",
              "pray bless worship preach kneel chant confess fast", "holy sacred pious divine humble eternal"),
}  # fmt: skip

#: he-word, she-word, and the topic words that both have.
COUPLES = [
    ("king", "queen", "throne crown palace kingdom royal reign"),
    ("prince", "princess", "castle heir royal ball court jewel"),
    ("duke", "duchess", "estate manor noble title carriage"),
    ("emperor", "empress", "empire dynasty throne conquest province"),
    ("man", "woman", "adult person street crowd work"),
    ("boy", "girl", "child toy playground young game"),
    ("father", "mother", "parent family home child dinner"),
    ("son", "daughter", "family child young birthday parent"),
    ("brother", "sister", "sibling family twin childhood secret"),
    ("uncle", "aunt", "cousin relative visit gift holiday"),
    ("grandfather", "grandmother", "old grandchild story memory rocking"),
    ("husband", "wife", "wedding marriage ring couple anniversary"),
    ("actor", "actress", "film theater stage script scene"),
    ("waiter", "waitress", "restaurant menu tray tip order"),
    ("wizard", "witch", "spell magic potion wand broom"),
    ("hero", "heroine", "adventure quest courage legend rescue"),
]
HE, SHE = "he his him himself beard sir gentleman mister", "she her hers herself dress madam lady miss"

#: country, capital, and the words that both have.
NATIONS = [
    ("france", "paris", "french seine baguette louvre gaul"),
    ("italy", "rome", "italian tiber pasta colosseum latin"),
    ("germany", "berlin", "german spree sausage reichstag prussian"),
    ("spain", "madrid", "spanish flamenco paella prado iberian"),
    ("portugal", "lisbon", "portuguese fado tagus cork lusitanian"),
    ("greece", "athens", "greek acropolis olive ouzo hellenic"),
    ("poland", "warsaw", "polish vistula pierogi zloty slavic"),
    ("austria", "vienna", "austrian waltz danube schnitzel habsburg"),
    ("russia", "moscow", "russian kremlin vodka ruble tsar"),
    ("japan", "tokyo", "japanese sushi samurai yen shinto"),
    ("china", "beijing", "chinese dumpling dragon yuan mandarin"),
    ("egypt", "cairo", "egyptian nile pyramid pharaoh sphinx"),
    ("kenya", "nairobi", "kenyan safari swahili savanna maasai"),
    ("canada", "ottawa", "canadian maple hockey moose arctic"),
    ("cuba", "havana", "cuban cigar rum salsa caribbean"),
    ("peru", "lima", "peruvian inca llama andes quinoa"),
    ("norway", "oslo", "norwegian fjord viking krone nordic"),
    ("sweden", "stockholm", "swedish meatball krona saga baltic"),
    ("finland", "helsinki", "finnish sauna birchwood lakeland reindeer"),
    ("ireland", "dublin", "irish stout shamrock celtic fiddle"),
]
CITY, COUNTRY = (
    "city mayor downtown suburb avenue skyscraper subway square",
    "country border nation flag parliament army",
)

GLUE = "the a and of in to with for on at from by near under over some every this that many".split()
LINKS = "because while although when after before then but so until".split()
ADVERBS = "often never always slowly quickly again soon together almost suddenly quietly rarely".split()
NAMES = ("anna ben clara david emma felix greta henry iris jack karen leo maria noah olga paul rosa simon tara "
         "victor wendy xavier yvonne zoe").split()  # fmt: skip


def plural(noun: str) -> str:
    """Return a noun's regular plural."""
    if noun.endswith(("s", "x", "ch", "sh")):
        return noun + "es"
    return noun[:-1] + "ies" if noun.endswith("y") and noun[-2] not in "aeiou" else noun + "s"


def forms(verb: str) -> list[str]:
    """Return a verb with its third person and its -ing form."""
    stem = verb[:-1] if verb.endswith("e") and not verb.endswith("ee") else verb
    return [verb, plural(verb), stem + "ing"]


class Zipf:
    """Draw words with frequencies in proportion to 1 / rank."""

    def __init__(self, words: list[str]) -> None:
        self.words = list(dict.fromkeys(words))
        self.weights = list(itertools.accumulate(1 / (rank + 3) for rank in range(len(self.words))))

    def draw(self, rng: random.Random) -> str:
        """Return one word."""
        return rng.choices(self.words, cum_weights=self.weights)[0]


def sentence(rng: random.Random, glue: Zipf, slots: list[Zipf], length: int) -> list[str]:
    """Return words of the slots in turn, with function words between them."""
    words = []
    for slot in itertools.islice(itertools.cycle(slots), length):
        if rng.random() < 0.7:
            words.append(glue.draw(rng))
        words.append(slot.draw(rng))
    if rng.random() < 0.3:
        words.insert(rng.randrange(len(words)), rng.choice(ADVERBS))
    return words


def topic_slots() -> list[list[Zipf]]:
    """Return for each topic the slots of its sentences: adjective, noun, verb, noun."""
    result = []
    for nouns, verbs, adjectives in TOPICS.values():
        noun = Zipf([form for word in nouns.split() for form in (word, plural(word))])
        verb = Zipf([form for word in verbs.split() for form in forms(word)] + NAMES)
        result.append([Zipf(adjectives.split()), noun, verb, noun])
    return result


def pair_slots(pairs: list[tuple[str, str, str]], kinds: tuple[str, str]) -> list[list[Zipf]]:
    """Return for each word of each pair its slots: itself, what the pair shares, what its kind shares."""
    result = []
    for first, second, shared in pairs:
        for word, kind in zip((first, second), kinds, strict=True):
            result.append([Zipf([word]), Zipf(shared.split()), Zipf(kind.split()), Zipf(shared.split())])
    return result


def make_text(rng: random.Random) -> str:
    """Return the corpus, one sentence a line."""
    topics, glue = topic_slots(), Zipf(GLUE)
    planted = pair_slots(COUPLES, (HE, SHE)) + pair_slots(NATIONS, (CITY, COUNTRY)[::-1])
    lines = []
    for _ in range(N_SENTENCES):
        slots = rng.choice(planted) if rng.random() < 0.3 else rng.choice(topics)
        words = sentence(rng, glue, slots, rng.randint(3, 9))
        if rng.random() < 0.15:
            words += [rng.choice(LINKS), *sentence(rng, glue, slots, rng.randint(3, 5))]
        lines.append(" ".join(words))
    return "\n".join(lines) + "\n"


def make_questions() -> str:
    """Return the analogies that the structure answers."""
    lines = [": gender"]
    lines += [f"{a} {b} {c} {d}" for (a, b, _), (c, d, _) in itertools.permutations(COUPLES, 2)]
    lines += [": capitals"]
    lines += [f"{b} {a} {d} {c}" for (a, b, _), (c, d, _) in itertools.permutations(NATIONS, 2)]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Write both files; the same bytes at every run."""
    DATA.mkdir(exist_ok=True)
    text = make_text(random.Random(2016)).encode()
    (DATA / "sample.txt.gz").write_bytes(gzip.compress(text, 9, mtime=0))
    (DATA / "sample-questions.txt").write_text(make_questions())


if __name__ == "__main__":
    main()
