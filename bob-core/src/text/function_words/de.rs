//! German.

use super::FunctionWords;

#[rustfmt::skip]
pub(super) const WORDS: FunctionWords = FunctionWords {
    function: &[
        // Articles, pronouns, question words.
        "der", "die", "das", "den", "dem", "des", "ein", "eine", "einen", "einem", "einer", "eines", "kein", "keine", "keinen",
        "keinem", "keiner", "ich", "mich", "mir", "mein", "meine", "meinen", "meinem", "meiner", "meines", "du", "dich", "dir",
        "dein", "deine", "deinen", "deinem", "deiner", "wir", "uns", "unser", "unsere", "unseren", "unserem", "unserer", "ihr", "ihre", "ihren",
        "ihrem", "ihrer", "ihres", "ihnen", "euch", "euer", "eure", "euren", "eurem", "eurer", "sie", "er", "ihn", "ihm", "es", "sein",
        "seine", "seinen", "seinem", "seiner", "man", "sich", "selbst", "dies", "diese", "diesen", "diesem", "dieser",
        "dieses", "jene", "jener", "jenes", "wer", "wen", "wem", "wessen", "was", "welche", "welcher", "welches", "welchen", "welchem", "wann",
        "wo", "wohin", "woher", "wie", "wieso", "weshalb", "warum", "womit", "wofur", "wobei", "worauf", "woran", "etwas", "nichts", "jemand",
        "jemanden", "jemandem", "niemand", "alle", "alles", "allen", "aller", "jede", "jeder", "jedes", "jeden", "jedem", "viel", "viele",
        "vielen", "wenig", "mehr", "manche", "einige", "einigen", "andere", "anderen", "anderes", "anderer", "solche", "hier", "dort", "da",
        // To be, to have, to become, modal verbs.
        "bin", "bist", "ist", "sind", "seid", "war", "waren", "warst", "gewesen", "habe", "hab", "hast", "hat",
        "haben", "habt", "hatte", "hatten", "gehabt", "werde", "wirst", "wird", "werden", "werdet", "wurde", "wurden",
        "worden", "geworden", "kann", "kannst", "konnen", "konnt", "konnte", "konnten", "konntest", "darf", "darfst", "durfen", "durft", "durfte", "muss", "musst",
        "mussen", "musste", "soll", "sollen", "sollte", "sollten", "will", "willst", "wollen", "wollt", "wollte", "mag", "mochte",
        "mochten", "mogen", "gerne", "gern", "lasst", "lassen", "lasse", "gibt", "gib", "geben", "gebt", "gabe", "gab",
        // Negation, conjunctions, prepositions.
        "nicht", "nie", "niemals", "nein", "ja", "und", "oder", "aber", "sondern", "denn", "doch", "wenn", "falls", "ob", "dass", "weil",
        "als", "damit", "sowie", "sowohl", "weder", "noch", "entweder", "obwohl", "wahrend", "bevor", "nachdem", "an", "am", "ans", "auf", "aufs", "aus",
        "ausser", "bei", "beim", "bis", "durch", "fur", "furs", "gegen", "gegenuber", "hinter", "im", "in", "ins", "innerhalb", "ausserhalb", "mit", "nach",
        "neben", "ohne", "seit", "statt", "trotz", "uber", "um", "unter", "vom", "von", "vor", "wegen", "zu", "zum", "zur",
        "zwischen", "ab", "pro", "je", "bezuglich", "laut",
        // Adverbs.
        "auch", "nur", "schon", "sehr", "so", "dann", "daher", "also", "mal", "einmal", "immer", "wieder", "bereits", "ganz", "gar", "etwa",
        "eben", "eigentlich", "uberhaupt", "genau", "vielleicht", "wohl", "danach", "davor", "dazu", "dabei", "davon", "dafur", "dagegen", "daran", "darauf", "daruber", "darin",
        "hin", "her", "los", "sonst", "trotzdem", "zuerst", "ungefahr", "ca", "bzw", "usw", "evtl",
        // Verbs of asking and light verbs.
        "mache", "machst", "macht", "machen", "gemacht", "gehe", "geht", "gehen", "gehts", "komme", "kommt", "kommen", "bekomme", "bekommt", "bekommen", "kriege",
        "kriegt", "kriegen", "nehme", "nimmt", "nehmen", "tue", "tun", "tut", "brauche", "braucht", "brauchen", "benotige", "benotigt",
        "benotigen", "weiss", "wissen", "sage", "sagen", "sagt", "sag", "frage", "fragen", "sehe", "sehen", "sieht", "finde", "findet",
        "finden", "suche", "suchen", "sucht", "erklare", "erklaren", "erklart", "nennen", "verstehe", "verstehen", "heisst", "bedeutet", "funktioniert", "lauft", "bietet", "bieten", "anbieten", "stehen", "steht",
        // Courtesy.
        "bitte", "danke", "dank", "hallo", "hi", "hey", "moin", "servus", "guten", "gruss", "grusse", "liebe", "lieber", "ok", "okay", "herr", "frau",
        "entschuldigung", "sorry", "tschuss", "ciao",
    ],
    light: &[
        "heute", "morgen", "gestern", "jetzt", "aktuell", "derzeit", "morgens", "mittags", "abends", "abend", "vormittag", "nachmittag", "tag", "tage",
        "tagen", "woche", "wochen", "monat", "monate", "monaten", "jahr", "jahre", "jahren", "zeit", "uhr", "moment", "minuten", "minute", "bald", "spater", "lange", "lang", "letzte", "letzten",
        "letzter", "nachste", "nachsten", "nachster", "erste", "ersten", "zuruck", "moglich", "moglichkeit", "moglichkeiten", "normalerweise", "einfach", "schnell",
        "gut", "gute", "guter", "gutes", "besser", "beste", "besten", "schlecht", "neu", "neue", "neuen", "neuer", "alt", "alte", "alten", "gross", "grosse", "grossen",
        "klein", "kleine", "kleinen", "verschiedene", "bestimmte", "sicher", "richtig", "sache", "sachen", "ding", "dinge", "art", "arten", "weise", "beispiel", "fall",
        "teil", "leute", "mensch", "menschen", "person", "personen", "mann", "freund", "freundin", "tochter", "sohn", "mutter", "vater",
        "kunde", "kunden", "kundin", "firma", "unternehmen", "laden", "shop", "geschaft", "seite", "webseite", "website", "online", "ort", "artikel", "produkt",
        "produkte", "produkten", "ware", "angebot", "angebote", "verkauft", "verkaufen", "verkauf", "nutzen", "benutzen", "verwenden", "hilfe", "helfen",
        "hilf", "hilft", "problem", "probleme", "info", "infos", "information", "informationen", "auskunft", "antwort",
        "interessiert", "interesse", "zusammen", "weg", "erlaubt", "weit", "akzeptieren", "akzeptiert", "annehmen", "berechnen", "berechnet", "erhalten", "erhalte", "passieren", "passiert", "gilt", "gelten", "gehoren", "gehort", "existiert", "extra", "zusatzlich", "fruh", "spat", "spate", "option", "optionen", "zwei", "drei", "merken", "aussuchen", "nummer", "name", "namen", "zeigen", "zeig", "hoch", "echt", "stimmt",
    ],
};
