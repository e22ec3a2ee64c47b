//! German texts of a hotel by a lake.

use super::Text;

pub(super) const TEXTS: &[Text] = &[
    Text {
        key: "check-in",
        title: "Anreise",
        questions: &[
            "Ab wann kann ich einchecken?",
            "Wann ist mein Zimmer fertig?",
            "Kann ich auch spät nachts anreisen?",
        ],
        body: "Die Zimmer sind ab 15 Uhr bezugsfertig. Wer nach 22 Uhr anreist, findet den Schlüssel im Tresor neben dem Eingang. Den Code des Tresors schicken wir am Anreisetag per E-Mail.",
    },
    Text {
        key: "check-out",
        title: "Abreise",
        questions: &["Bis wann muss ich das Zimmer verlassen?", "Kann ich am letzten Tag länger bleiben?"],
        body: "Die Zimmer werden bis 11 Uhr zurückgegeben. Eine späte Abreise bis 14 Uhr kostet 25 Euro und wird bis zum Vorabend an der Rezeption gebucht.\n\nGepäck kann für den Rest des Tages im abgeschlossenen Gepäckraum bleiben.",
    },
    Text {
        key: "breakfast",
        title: "Frühstück",
        questions: &[
            "Ist das Frühstück inbegriffen?",
            "Wann gibt es Frühstück?",
            "Haben Sie glutenfreies Brot?",
        ],
        body: "Das Frühstücksbuffet steht von 7 bis 10:30 Uhr bereit. Das Frühstück ist in allen Preisen enthalten, außer im Spartarif, wo es 18 Euro pro Person kostet. Glutenfreies Brot und pflanzliche Milch stehen täglich auf dem Buffet.",
    },
    Text {
        key: "parking",
        title: "Parken und Laden",
        questions: &["Wo kann ich parken?", "Was kostet die Tiefgarage?", "Kann ich mein Elektroauto laden?"],
        body: "Die Tiefgarage unter dem Hotel kostet 12 Euro je Nacht und kann nicht reserviert werden. Vier Ladesäulen für Elektroautos stehen auf Ebene eins der Tiefgarage. Reisebusse halten auf dem Platz vor dem Hotel.",
    },
    Text {
        key: "wifi",
        title: "WLAN",
        questions: &["Gibt es WLAN?", "Wie lautet das WLAN-Passwort?"],
        body: "Das WLAN ist im ganzen Hotel kostenlos. Das Passwort steht auf der Schlüsselkarte.",
    },
    Text {
        key: "dogs",
        title: "Hunde",
        questions: &["Kann ich meinen Hund mitbringen?", "Sind Haustiere erlaubt?"],
        body: "Hunde sind für 15 Euro je Nacht willkommen. Decke und Napf liegen im Zimmer. Im Restaurant und in der Sauna sind Hunde nicht erlaubt. Katzen und andere Tiere können nicht im Hotel wohnen.",
    },
    Text {
        key: "cancellation",
        title: "Stornierung",
        questions: &[
            "Kann ich meine Buchung stornieren?",
            "Was kostet eine Absage?",
            "Ich kann nicht kommen, bekomme ich mein Geld zurück?",
        ],
        body: "Eine Buchung kann bis drei Tage vor der Anreise um 18 Uhr kostenlos storniert werden. Danach wird die erste Nacht berechnet. Der Spartarif kann nicht storniert werden und wird nicht erstattet.",
    },
    Text {
        key: "payment",
        title: "Bezahlung",
        questions: &[
            "Wie kann ich bezahlen?",
            "Nehmen Sie American Express?",
            "Muss ich eine Anzahlung leisten?",
        ],
        body: "Gäste zahlen bei der Abreise mit Visa, Mastercard, girocard oder bar. Der Spartarif wird bei der Buchung bezahlt. Für andere Tarife wird keine Anzahlung verlangt. American Express nehmen wir nicht an.",
    },
    Text {
        key: "children",
        title: "Kinder",
        questions: &["Zahlen Kinder auch?", "Haben Sie ein Babybett?", "Gibt es einen Spielplatz?"],
        body: "Kinder bis sechs Jahre wohnen kostenlos im Zimmer der Eltern. Ein Babybett stellen wir auf Wunsch kostenlos auf. Ein Zustellbett für ältere Kinder kostet 30 Euro je Nacht. Der Spielplatz liegt im Garten hinter dem Haus.",
    },
    Text {
        key: "spa",
        title: "Schwimmbad und Sauna",
        questions: &[
            "Gibt es ein Schwimmbad?",
            "Wie sind die Öffnungszeiten der Sauna?",
            "Gibt es Handtücher am Pool?",
        ],
        body: "Das Hallenbad ist von 6:30 bis 21 Uhr geöffnet, die Sauna von 16 bis 21 Uhr. Handtücher und Bademäntel liegen bereit. Kinder unter zwölf Jahren schwimmen in Begleitung eines Erwachsenen.",
    },
    Text {
        key: "directions",
        title: "Adresse und Anfahrt",
        questions: &[
            "Wo liegt das Hotel?",
            "Wie komme ich mit der Bahn zu Ihnen?",
            "Wie weit ist es zum Flughafen?",
        ],
        body: "Das Hotel steht an der Seestraße 8 in Lindach, direkt am See. Der Bahnhof Lindach ist zehn Gehminuten am Ufer entlang entfernt. Zum Flughafen sind es 45 Kilometer.",
    },
    Text {
        key: "shuttle",
        title: "Abholung",
        questions: &["Holen Sie uns vom Bahnhof ab?", "Gibt es einen Transfer vom Flughafen?"],
        body: "Der Shuttle bringt Gäste kostenlos vom Bahnhof Lindach zum Hotel. Der Transfer vom Flughafen kostet 70 Euro für bis zu vier Personen. Beides wird einen Tag vorher an der Rezeption gebucht.",
    },
    Text {
        key: "accessibility",
        title: "Barrierefreie Zimmer",
        questions: &["Haben Sie Zimmer für Rollstuhlfahrer?", "Gibt es einen Aufzug?"],
        body: "Zwei Zimmer im Erdgeschoss sind mit dem Rollstuhl zugänglich und haben eine bodengleiche Dusche. Ein Aufzug fährt in alle Stockwerke. Restaurant und Terrasse haben keine Stufen.",
    },
    Text {
        key: "restaurant",
        title: "Restaurant",
        questions: &[
            "Kann man bei Ihnen zu Abend essen?",
            "Muss ich einen Tisch reservieren?",
            "Gibt es veganes Essen?",
        ],
        body: "Das Restaurant hat Dienstag bis Sonntag zwischen 18 und 21:30 Uhr geöffnet. Tische reservieren Sie telefonisch oder an der Rezeption. Vier vegane Gerichte stehen auf der Karte. Am Montag ist das Restaurant geschlossen.",
    },
    Text {
        key: "invoice",
        title: "Rechnung",
        questions: &["Kann ich eine Rechnung für meine Firma bekommen?", "Ich habe meinen Beleg verloren"],
        body: "Die Rechnung wird bei der Abreise gedruckt und auf Wunsch per E-Mail geschickt. Eine Firmenanschrift wird vor der Zahlung eingetragen.",
    },
    Text {
        key: "reception",
        title: "Kontakt",
        questions: &[
            "Wie kann ich Sie erreichen?",
            "Wie ist Ihre Telefonnummer?",
            "Ist nachts jemand an der Rezeption?",
        ],
        body: "Die Rezeption ist von 7 bis 22 Uhr besetzt und telefonisch unter +49 7531 5550 oder unter stay@seehof.example zu erreichen. Nachts hängt eine Notfallnummer am Eingang.",
    },
    Text {
        key: "lost-found",
        title: "Fundsachen",
        questions: &["Ich habe etwas im Zimmer vergessen", "Ich habe meine Jacke im Hotel liegen lassen"],
        body: "Liegen gebliebene Sachen bewahren wir sechs Monate auf. Wir schicken sie gegen Erstattung des Portos nach. Schreiben Sie an stay@seehof.example mit einer Beschreibung und der Zimmernummer.",
    },
];
