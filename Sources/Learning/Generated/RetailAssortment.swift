// What the generated chain sells and how tastes hang together. Invented, but with the features of real baskets that make
// propensity learnable: staples and niches, kinds of households, seasons, and products that go together.

/// The shelves of the generated chain: the same for every seed.
enum RetailAssortment {
    struct Category {
        let name: String
        /// Products on the shelf: public, and what a vocabulary is chosen by.
        let products: Int
        /// Purchases an average visit of an average customer, before taste, season and habit.
        let rate: Double
        let price: Double
        /// Weeks a purchase lasts: until then another is unlikely. None for what is bought fresh.
        let lasts: Int
        /// Week of the year with most sales, and the swing around the mean (0 none, 1 to zero half a year later).
        let peakWeek: Int
        let swing: Double

        init(
            _ name: String, _ products: Int, _ rate: Double, _ price: Double, lasts: Int = 0, peak: Int = 0,
            swing: Double = 0
        ) {
            (self.name, self.products, self.rate, self.price) = (name, products, rate, price)
            (self.lasts, peakWeek, self.swing) = (lasts, peak, swing)
        }
    }

    /// Fifty categories; the two with fewest products fall outside a vocabulary of 48.
    static let categories: [Category] = [
        Category("milk", 140, 0.16, 1.4), Category("bread", 345, 0.15, 2.2), Category("eggs", 44, 0.09, 2.9),
        Category("cheese", 363, 0.11, 4.1), Category("yogurt", 231, 0.09, 2.6),
        Category("butter", 58, 0.06, 3.2, lasts: 3),
        Category("fruit", 180, 0.14, 3.0), Category("berries", 49, 0.05, 3.8, peak: 26, swing: 0.8),
        Category("salad", 92, 0.08, 2.7, peak: 27, swing: 0.5), Category("tomatoes", 61, 0.09, 2.4),
        Category("potatoes", 57, 0.06, 2.9, lasts: 3), Category("onions", 55, 0.05, 1.6, lasts: 4),
        Category("beef", 204, 0.08, 9.5), Category("chicken", 137, 0.08, 7.2), Category("pork", 96, 0.05, 6.8),
        Category("fish", 88, 0.04, 8.9), Category("sausage", 74, 0.05, 4.4), Category("cold cuts", 235, 0.07, 3.9),
        Category("barbecue", 53, 0.03, 9.9, peak: 27, swing: 0.9), Category("meat-free", 66, 0.03, 4.6),
        Category("pasta", 127, 0.07, 1.5, lasts: 4), Category("pasta sauce", 112, 0.05, 2.8, lasts: 5),
        Category("rice", 105, 0.04, 2.5, lasts: 9),
        Category("soup", 328, 0.05, 2.0, lasts: 3, peak: 3, swing: 0.7),
        Category("baking", 188, 0.04, 3.1, lasts: 7, peak: 50, swing: 0.7),
        Category("spices", 189, 0.04, 2.3, lasts: 10), Category("oil", 71, 0.03, 6.2, lasts: 11),
        Category("canned fish", 62, 0.03, 2.1, lasts: 7),
        Category("cereal", 240, 0.06, 3.7, lasts: 3), Category("jam", 129, 0.04, 3.3, lasts: 7),
        Category("biscuits", 258, 0.06, 2.4, lasts: 2),
        Category("chocolate", 510, 0.08, 2.9, lasts: 2, peak: 51, swing: 0.4),
        Category("crisps", 451, 0.08, 2.5, lasts: 1),
        Category("ice cream", 297, 0.05, 4.5, lasts: 4, peak: 28, swing: 0.8),
        Category("frozen pizza", 318, 0.05, 4.9, lasts: 3),
        Category("frozen veg", 165, 0.05, 2.8, lasts: 4), Category("ready meals", 489, 0.06, 5.2),
        Category("soft drinks", 557, 0.10, 3.6, peak: 28, swing: 0.3), Category("juice", 239, 0.06, 3.0, lasts: 2),
        Category("water", 143, 0.07, 2.2, lasts: 2, peak: 29, swing: 0.3), Category("coffee", 186, 0.05, 7.4, lasts: 5),
        Category("tea", 98, 0.03, 3.5, lasts: 9, peak: 2, swing: 0.5),
        Category("beer", 209, 0.05, 8.8, lasts: 2, peak: 28, swing: 0.3),
        Category("wine", 134, 0.04, 9.2, lasts: 3), Category("baby food", 252, 0.03, 5.9, lasts: 1),
        Category("nappies", 60, 0.03, 12.5, lasts: 2),
        Category("cat food", 191, 0.04, 6.3, lasts: 3), Category("dog food", 187, 0.04, 9.7, lasts: 4),
        Category("charcoal", 12, 0.01, 7.9, lasts: 8),
        Category("candles", 21, 0.01, 3.9, lasts: 10, peak: 50, swing: 0.8),
    ]

    /// Kinds of households: their share, and how they multiply rates. What is not named is 1.
    static let segments: [(share: Double, multipliers: [String: Double])] = [
        (
            0.18,
            [
                "baby food": 9, "nappies": 9, "milk": 1.6, "cereal": 1.8, "juice": 1.7, "wine": 0.4, "beer": 0.5,
                "yogurt": 1.6, "biscuits": 1.6,
            ]
        ),
        (
            0.22,
            [
                "cereal": 2, "frozen pizza": 2.2, "crisps": 1.9, "soft drinks": 1.9, "ice cream": 1.7, "cold cuts": 1.6,
                "bread": 1.3, "baby food": 0.1, "nappies": 0.1, "ready meals": 1.3, "chocolate": 1.4,
            ]
        ),
        (
            0.16,
            [
                "ready meals": 2.6, "frozen pizza": 2, "beer": 2.4, "crisps": 1.8, "soft drinks": 1.7, "baking": 0.3,
                "baby food": 0.05, "nappies": 0.05, "coffee": 1.4, "spices": 0.6,
            ]
        ),
        (
            0.17,
            [
                "salad": 2.3, "berries": 2.6, "fish": 2.4, "meat-free": 5, "tea": 2, "wine": 1.6, "soft drinks": 0.3,
                "frozen pizza": 0.4, "yogurt": 1.5, "water": 1.5, "beef": 0.5, "pork": 0.3, "sausage": 0.3, "oil": 1.6,
            ]
        ),
        (
            0.15,
            [
                "tea": 2.5, "soup": 2.4, "jam": 2.2, "canned fish": 2.3, "potatoes": 1.8, "baking": 2.2, "coffee": 1.6,
                "baby food": 0.1, "nappies": 0.1, "frozen pizza": 0.4, "ready meals": 0.7, "butter": 1.7,
            ]
        ),
        (
            0.12,
            [
                "beef": 2, "pork": 2, "barbecue": 3, "sausage": 2.2, "beer": 2, "spices": 2, "potatoes": 1.6,
                "onions": 1.8, "chicken": 1.5, "wine": 1.4, "meat-free": 0.1,
            ]
        ),
    ]

    /// Categories that few households have a use for at all, and the share that has.
    static let niches: [String: Double] = [
        "cat food": 0.3, "dog food": 0.32, "baby food": 0.35, "nappies": 0.35, "beer": 0.6, "wine": 0.55,
        "meat-free": 0.35, "tea": 0.7, "coffee": 0.75,
    ]

    /// Buying the first in the last three weeks raises the rate of the second by the factor: a later visit shows what an
    /// earlier one announced.
    static let complements: [(cause: String, effect: String, factor: Double)] = [
        ("pasta", "pasta sauce", 3), ("pasta sauce", "cheese", 1.6), ("baby food", "nappies", 3),
        ("barbecue", "charcoal", 6), ("barbecue", "beer", 1.8), ("baking", "butter", 2.2), ("baking", "eggs", 1.8),
        ("cereal", "milk", 1.6), ("coffee", "milk", 1.4), ("tea", "biscuits", 1.9), ("bread", "jam", 1.8),
        ("salad", "tomatoes", 1.8), ("salad", "oil", 2), ("rice", "chicken", 1.7), ("beef", "onions", 2),
        ("potatoes", "sausage", 1.8), ("frozen pizza", "soft drinks", 1.6), ("crisps", "soft drinks", 1.5),
        ("wine", "cheese", 1.5), ("soup", "bread", 1.4), ("onions", "spices", 1.7), ("berries", "yogurt", 1.8),
    ]

    /// Rows of `names`; a name that is not on the shelves is left out, which a test rules out.
    static func index(of name: String) -> Int? { categories.firstIndex { $0.name == name } }
}
