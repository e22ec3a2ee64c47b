//! Spanish.

use super::FunctionWords;

#[rustfmt::skip]
pub(super) const WORDS: FunctionWords = FunctionWords {
    function: &[
        // Articles, pronouns, question words.
        "el", "la", "los", "las", "lo", "un", "una", "unos", "unas", "al", "del", "este", "esta", "esto", "estos", "estas", "ese", "esa", "eso",
        "esos", "esas", "aquel", "yo", "me", "mi", "mis", "mio", "tu", "te", "ti", "tus", "usted", "ustedes", "ella", "ellos", "ellas", "se", "su",
        "sus", "suyo", "nos", "nosotros", "nuestro", "nuestra", "nuestros", "vosotros", "os", "vuestro", "vuestra", "le", "les", "que", "quien", "quienes", "cual", "cuales", "cuando",
        "donde", "adonde", "como", "cuanto", "cuanta", "cuantos", "cuantas", "por", "porque", "algo", "alguien", "nada", "nadie", "alguno", "alguna",
        "algun", "ningun", "ninguno", "todo", "toda", "todos", "todas", "cada", "otro", "otra", "otros", "otras", "mismo", "misma", "aqui", "ahi", "alli",
        // To be, to have, modal verbs.
        "soy", "eres", "es", "somos", "son", "era", "eran", "sido", "ser", "sera", "sea", "estoy", "estamos", "estan", "estaba", "estar", "he", "has", "ha", "hay",
        "hemos", "han", "haber", "habia", "habra", "tengo", "tienes", "tiene", "tenemos", "teneis", "tienen", "tener", "puedo", "puedes", "puede", "podemos", "podeis", "pueden",
        "podria", "podrias", "podrian", "poder", "debo", "debe", "deben", "debemos", "deberia", "quiero", "quieres", "quiere", "queremos", "quieren", "quisiera", "querria", "gustaria", "necesito",
        "necesita", "necesitamos", "necesitan",
        // Negation, conjunctions, prepositions, adverbs.
        "no", "ni", "si", "y", "e", "o", "u", "pero", "sino", "aunque", "pues", "a", "ante", "bajo", "con", "contra", "de", "desde", "durante", "en", "entre", "hacia", "hasta",
        "mediante", "para", "segun", "sin", "sobre", "tras", "antes", "despues", "dentro", "fuera", "mas", "menos", "muy", "tan", "tanto", "mucho", "mucha", "muchos", "muchas", "poco", "poca",
        "tambien", "tampoco", "ya", "aun", "todavia", "siempre", "nunca", "solo", "asi", "entonces", "bien", "casi", "quiza", "quizas", "ademas", "bastante",
        // Light verbs.
        "hago", "haces", "hace", "hacemos", "hacen", "hacer", "hecho", "voy", "vas", "va", "vamos", "van", "ir", "vengo", "viene", "venir", "doy", "da", "dan", "dar", "pongo", "pone",
        "poner", "tomar", "tomo", "sabe", "saber", "decir", "dice", "digame", "dime", "pregunto", "preguntar", "ver", "veo", "encuentro", "encontrar", "busco",
        "buscar", "conseguir", "obtener", "recibir", "explicar", "entender",
        // Courtesy.
        "favor", "gracias", "hola", "buenos", "buenas", "tardes", "noches", "senor", "senora", "perdon", "disculpe", "disculpa", "adios", "ok", "vale",
    ],
    light: &[
        "hoy", "manana", "ayer", "ahora", "actualmente", "tarde", "noche", "dia", "dias", "semana", "semanas", "mes", "meses", "ano", "anos", "tiempo",
        "hora", "vez", "veces", "momento", "minuto", "minutos", "pronto", "ultimo", "ultima", "proximo", "proxima", "primero", "primera", "primer", "posible", "exactamente", "normalmente",
        "simplemente", "rapido", "buen", "bueno", "buena", "mejor", "malo", "nuevo", "nueva", "viejo", "grande", "gran", "pequeno", "diferente", "cierto", "cosa", "cosas", "manera",
        "forma", "formas", "tipo", "tipos", "ejemplo", "caso", "parte", "gente", "persona", "personas", "hombre", "mujer", "amigo", "amiga", "cliente",
        "clientes", "empresa", "tienda", "tiendas", "sitio", "web", "pagina", "linea", "lugar", "articulo", "articulos", "producto", "productos", "oferta", "ofrecen", "ofrece", "venden",
        "vende", "vender", "usar", "utilizar", "ayuda", "ayudar", "pregunta", "preguntas", "problema", "problemas", "info", "informacion", "respuesta",
        "interesado", "interesada", "juntos", "lejos", "numero", "nombre", "mostrar",
    ],
};
