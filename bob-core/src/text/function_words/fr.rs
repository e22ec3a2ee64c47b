//! French.

use super::FunctionWords;

#[rustfmt::skip]
pub(super) const WORDS: FunctionWords = FunctionWords {
    function: &[
        // Articles, pronouns, question words.
        "le", "la", "les", "un", "une", "des", "du", "de", "au", "aux", "ce", "cet", "cette", "ces", "cela", "ca", "ceci", "je", "me", "moi",
        "mon", "ma", "mes", "tu", "te", "toi", "ton", "ta", "tes", "il", "elle", "on", "se", "soi", "son", "sa", "ses", "nous", "notre", "nos",
        "vous", "votre", "vos", "ils", "elles", "leur", "leurs", "lui", "eux", "en", "qui", "que", "quoi", "dont", "ou", "quand", "comment",
        "combien", "pourquoi", "quel", "quelle", "quels", "quelles", "lequel", "laquelle", "qu", "jusqu", "lorsqu", "puisqu", "quelque", "quelqu", "quelques", "chose", "rien",
        "tout", "toute", "tous", "toutes", "chaque", "aucun", "aucune", "plusieurs", "autre", "autres", "meme", "memes", "ici",
        // To be, to have, modal verbs.
        "suis", "es", "est", "sommes", "etes", "sont", "etait", "etaient", "ete", "etre", "sera", "seront", "serait", "soit", "ai", "as", "avons", "avez", "ont", "avait",
        "avoir", "eu", "aura", "aurais", "peux", "peut", "pouvons", "pouvez", "peuvent", "pourrais", "pourrait", "pourriez", "pouvoir", "puis", "dois", "doit", "devons", "devez",
        "devrais", "devoir", "faut", "faudrait", "veux", "veut", "voulez", "voulons", "voudrais", "voudrait", "vouloir", "aimerais", "aimerait", "souhaite", "souhaiterais",
        // Negation, conjunctions, prepositions, adverbs.
        "ne", "pas", "ni", "non", "oui", "et", "mais", "donc", "or", "car", "si", "comme", "parce", "afin", "dans", "sur", "sous", "avec", "sans", "pour", "par",
        "chez", "vers", "entre", "avant", "apres", "depuis", "pendant", "contre", "hors", "selon", "jusque", "lors", "concernant",
        "plus", "moins", "tres", "trop", "assez", "aussi", "bien", "encore", "deja", "toujours", "jamais", "souvent", "seulement", "ainsi", "alors", "y", "environ", "peu", "beaucoup",
        // Light verbs.
        "fais", "fait", "faire", "faites", "font", "vais", "va", "allez", "vont", "aller", "viens", "vient", "venir", "prends", "prend", "prendre", "prenez",
        "met", "mettre", "mets", "donne", "donner", "donnez", "sais", "sait", "savoir", "savez", "dire", "dites", "dis", "demander", "demande", "voir", "vois", "voyez", "trouve", "trouver", "trouvez",
        "cherche", "chercher", "besoin", "obtenir", "recevoir", "expliquer", "expliquez", "comprendre", "passe",
        // Courtesy.
        "svp", "plait", "merci", "bonjour", "bonsoir", "salut", "coucou", "allo", "madame", "monsieur", "desole", "excusez", "pardon", "revoir", "ok",
    ],
    light: &[
        "aujourd", "hui", "demain", "hier", "maintenant", "actuellement", "matin", "midi", "soir", "jour", "jours", "semaine", "semaines", "mois", "an",
        "ans", "annee", "annees", "temps", "heure", "fois", "moment", "minute", "minutes", "bientot", "longtemps", "dernier", "derniere", "prochain", "prochaine", "premier", "premiere", "possible",
        "possibilite", "exactement", "normalement", "simplement", "vite", "rapidement", "bon", "bonne", "meilleur", "meilleure", "mauvais", "nouveau", "nouvelle", "ancien", "grand", "grande",
        "petit", "petite", "different", "certain", "choses", "facon", "maniere", "type", "types", "sorte", "exemple", "cas", "partie", "gens", "personne",
        "personnes", "homme", "femme", "ami", "amie", "client", "clients", "cliente", "entreprise", "societe", "magasin", "boutique", "site", "page", "ligne", "lieu",
        "article", "articles", "produit", "produits", "offre", "offres", "offrez", "vendez", "vendre", "proposez", "proposer", "utiliser", "utilise", "aide", "aider", "question", "questions", "probleme",
        "problemes", "info", "infos", "information", "informations", "renseignement", "renseignements", "reponse", "interesse", "ensemble", "loin", "numero", "nom", "montrer",
    ],
};
