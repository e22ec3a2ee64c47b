//! English texts of a hotel by a lake.

use super::Text;

pub(super) const TEXTS: &[Text] = &[
    Text {
        key: "check-in",
        title: "Check-in",
        questions: &[
            "When can I check in?",
            "From what time is my room ready?",
            "Can I arrive late at night?",
        ],
        body: "Rooms are ready from 15:00. Guests who arrive after 22:00 find the key in the safe beside the entrance. The code of the safe is sent by e-mail on the day of arrival.",
    },
    Text {
        key: "check-out",
        title: "Check-out",
        questions: &["When do I have to leave the room?", "Can I stay longer on the last day?"],
        body: "Rooms are returned by 11:00. A late check-out until 14:00 costs 25 EUR and is booked at the reception by the evening before.\n\nLuggage can be left in the locked luggage room for the rest of the day.",
    },
    Text {
        key: "breakfast",
        title: "Breakfast",
        questions: &["Is breakfast included?", "When is breakfast served?", "Do you have gluten-free bread?"],
        body: "The breakfast buffet is served from 7:00 to 10:30. Breakfast is included in every rate except the Saver rate, where it costs 18 EUR per person. Gluten-free bread and plant-based milk are on the buffet every day.",
    },
    Text {
        key: "parking",
        title: "Parking and charging",
        questions: &["Where can I park?", "How much is the garage?", "Can I charge my electric car?"],
        body: "The garage under the hotel costs 12 EUR per night and cannot be reserved. Four charging points for electric cars are on level one of the garage. Coaches stop on the square in front of the hotel.",
    },
    Text {
        key: "wifi",
        title: "Wi-Fi",
        questions: &["Do you have wifi?", "What is the wifi password?"],
        body: "Wi-Fi is free in the whole hotel. The password is printed on the key card.",
    },
    Text {
        key: "dogs",
        title: "Dogs",
        questions: &["Can I bring my dog?", "Are pets allowed?"],
        body: "Dogs are welcome for 15 EUR per night. A blanket and a bowl are in the room. Dogs stay outside the restaurant and the sauna. Cats and other animals cannot stay at the hotel.",
    },
    Text {
        key: "cancellation",
        title: "Cancellation",
        questions: &[
            "Can I cancel my booking?",
            "What does it cost to cancel?",
            "I cannot come, do I get my money back?",
        ],
        body: "A booking can be cancelled free of charge until 18:00 three days before arrival. After that the first night is charged. The Saver rate cannot be cancelled and is not refunded.",
    },
    Text {
        key: "payment",
        title: "Payment",
        questions: &["How can I pay?", "Do you accept American Express?", "Do I have to pay a deposit?"],
        body: "Guests pay by Visa, Mastercard, girocard or in cash when they leave. The Saver rate is paid at the time of booking. No deposit is taken for other rates. American Express is not accepted.",
    },
    Text {
        key: "children",
        title: "Children",
        questions: &["Do children pay?", "Do you have a cot for our baby?", "Is there a playground?"],
        body: "Children up to six years stay free of charge in the room of their parents. A cot is put up on request at no cost. An extra bed for older children costs 30 EUR per night. The playground is in the garden behind the house.",
    },
    Text {
        key: "spa",
        title: "Pool and sauna",
        questions: &[
            "Is there a swimming pool?",
            "What are the opening hours of the sauna?",
            "Are towels provided at the pool?",
        ],
        body: "The indoor pool is open from 6:30 to 21:00 and the sauna from 16:00 to 21:00. Towels and bathrobes are provided. Children under twelve swim in the company of an adult.",
    },
    Text {
        key: "directions",
        title: "Address and directions",
        questions: &[
            "Where are you?",
            "How do I get to the hotel by train?",
            "How far is it to the airport?",
        ],
        body: "The hotel stands at Seestrasse 8 in Lindach, right at the lake. Lindach station is a ten-minute walk along the shore. The airport is 45 kilometres away.",
    },
    Text {
        key: "shuttle",
        title: "Shuttle",
        questions: &["Can you pick us up from the station?", "Is there a transfer from the airport?"],
        body: "The shuttle takes guests from Lindach station to the hotel free of charge. A transfer from the airport costs 70 EUR for up to four people. Both are booked with the reception one day ahead.",
    },
    Text {
        key: "accessibility",
        title: "Accessible rooms",
        questions: &["Do you have rooms for wheelchair users?", "Is there a lift?"],
        body: "Two rooms on the ground floor are accessible with a wheelchair and have a roll-in shower. A lift goes to all floors. The restaurant and the terrace have no steps.",
    },
    Text {
        key: "restaurant",
        title: "Restaurant",
        questions: &[
            "Can we have dinner at the hotel?",
            "Do I need to reserve a table?",
            "Is there vegan food?",
        ],
        body: "The restaurant serves dinner from Tuesday to Sunday between 18:00 and 21:30. Tables are reserved by phone or at the reception. Four vegan dishes are on the menu. The restaurant is closed on Monday.",
    },
    Text {
        key: "invoice",
        title: "Invoice",
        questions: &["Can I get an invoice for my company?", "I lost my receipt"],
        body: "The invoice is printed when guests leave and sent by e-mail on request. A company address is added before payment.",
    },
    Text {
        key: "reception",
        title: "Contact",
        questions: &[
            "How can I reach you?",
            "What is your phone number?",
            "Is somebody at the reception at night?",
        ],
        body: "The reception is staffed from 7:00 to 22:00 and can be reached by phone on +49 7531 5550 or at stay@seehof.example. At night an emergency number is posted at the entrance.",
    },
    Text {
        key: "lost-found",
        title: "Lost property",
        questions: &["I left something in my room", "I forgot my jacket at the hotel"],
        body: "Things that were left behind are kept for six months. They are sent on for the cost of postage. Write to stay@seehof.example with a description and the room number.",
    },
];
