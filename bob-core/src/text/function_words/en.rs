//! English.

use super::FunctionWords;

#[rustfmt::skip]
pub(super) const WORDS: FunctionWords = FunctionWords {
    function: &[
        // Articles, pronouns, question words.
        "an", "the", "this", "that", "these", "those", "me", "my", "mine", "myself", "we", "us", "our", "ours", "you",
        "your", "yours", "yourself", "he", "him", "his", "she", "her", "hers", "it", "its", "itself", "they", "them",
        "their", "theirs", "who", "whom", "whose", "which", "what", "whatever", "when", "whenever", "where", "wherever",
        "why", "how", "someone", "somebody", "something", "anyone", "anybody", "anything", "everyone", "everybody",
        "everything", "nobody", "nothing", "one", "ones", "there", "here", "somewhere", "anywhere", "nowhere", "somehow",
        // To be, to do, to have, and the verbs that go with others.
        "am", "is", "are", "was", "were", "be", "been", "being", "do", "does", "did", "done", "doing", "have", "has",
        "had", "having", "can", "could", "will", "would", "shall", "should", "may", "might", "must", "ought", "cannot",
        "dont", "doesnt", "didnt", "cant", "couldnt", "wont", "wouldnt", "isnt", "arent", "wasnt", "im", "ive", "id",
        "youre", "whats", "wheres", "hows", "thats", "theres",
        "don", "doesn", "didn", "isn", "aren", "wasn", "weren", "won", "wouldn", "couldn", "shouldn", "haven", "hasn",
        "hadn", "ain", "ll", "ve", "re",
        // Negation, conjunctions, prepositions.
        "not", "no", "nor", "never", "yes", "and", "or", "but", "if", "then", "else", "than", "so", "because", "as", "while",
        "until", "unless", "though", "although", "whether", "about", "above", "after", "against", "along", "among",
        "around", "at", "before", "behind", "below", "beside", "besides", "between", "beyond", "by", "down", "during",
        "except", "for", "from", "in", "inside", "into", "near", "of", "off", "on", "onto", "out", "outside", "over", "per",
        "regarding", "since", "through", "throughout", "till", "to", "toward", "towards", "under", "up", "upon",
        "via", "with", "within", "without",
        // Adverbs and small adjectives.
        "again", "all", "almost", "already", "also", "always", "any", "both", "each", "either", "enough", "even", "ever",
        "every", "few", "further", "just", "less", "least", "lot", "lots", "many", "more", "most", "much", "neither", "only", "other", "others",
        "another", "own", "quite", "rather", "really", "same", "several", "some", "still", "such", "too", "very", "well", "yet",
        // Verbs of asking and light verbs.
        "get", "gets", "getting", "got", "give", "gives", "gave", "given", "giving", "go", "goes", "going", "gone", "went",
        "come", "comes", "coming", "came", "make", "makes", "made", "making", "take", "takes", "took", "taken", "taking",
        "put", "let", "lets", "need", "needs", "needed", "want", "wants", "wanted", "wanna", "gonna", "wish", "like", "liked", "know",
        "known", "tell", "told", "see", "look", "looking", "find", "found", "try", "trying", "tried", "think", "mean",
        "ask", "asking", "asked", "wonder", "wondering", "explain", "understand", "hear", "happen", "happens",
        // Courtesy.
        "please", "pls", "plz", "thanks", "thank", "thx", "hello", "hi", "hey", "hiya", "dear", "sir", "madam", "ok", "okay",
        "oh", "sorry", "excuse", "kindly", "greetings", "cheers", "welcome", "bye", "goodbye",
    ],
    light: &[
        "today", "tomorrow", "yesterday", "tonight", "now", "currently", "recently", "morning", "afternoon", "evening", "day", "days",
        "week", "weeks", "month", "months", "year", "years", "time", "times", "moment", "minute", "minutes", "soon", "later", "long",
        "last", "next", "ago", "first", "once", "twice", "back", "possible", "able", "exactly", "approximately", "maybe",
        "perhaps", "actually", "usually", "normally", "generally", "simply", "quickly", "easily", "however", "good", "great", "nice",
        "best", "better", "bad", "new", "old", "right", "big", "small", "little", "different", "certain", "sure",
        "thing", "things", "stuff", "way", "ways", "kind", "kinds", "sort", "type", "types", "example", "case", "part", "point",
        "people", "person", "man", "woman", "friend", "wife", "husband", "son", "daughter", "mother", "father", "mum", "mom",
        "dad", "colleague", "guys", "customer", "customers", "company", "business", "shop", "shops", "store", "stores", "website", "site",
        "page", "online", "place", "item", "items", "product", "products", "article", "articles", "goods", "offer", "offers",
        "offered", "sell", "selling", "provide", "use", "used", "using", "help", "helped", "question", "questions", "problem",
        "problems", "issue", "issues", "info", "information", "details", "detail", "answer", "interested", "start", "keep",
        "instead", "together", "away", "allowed", "far", "care", "show", "require", "required",
        "receive", "received", "contain", "belong", "exist", "consider", "remember", "leave", "visit", "set", "two", "three", "number", "numbers", "name", "real", "special", "early", "earliest", "latest", "extra", "additional", "option", "options",
    ],
};
