// "Did you mean": the nearest known word by edit distance (Damerau 1964, restricted to adjacent swaps: optimal string
// alignment), because the commonest slip of the finger swaps two letters.

enum Suggestion {
    /// Longest word that is compared: beyond it nothing known is near, and the table would grow with the input.
    private static let maximumCount = 64

    /// The candidate nearest to `word`, if it is near enough to be a slip of the finger: at most a third of its letters
    /// differ.
    static func nearest(to word: String, among candidates: [String]) -> String? {
        guard word.count <= maximumCount else { return nil }
        let ranked = candidates.map { (candidate: $0, distance: distance(word, $0)) }
        guard let best = ranked.min(by: { $0.distance < $1.distance }) else { return nil }
        return best.distance <= max(1, best.candidate.count / 3) ? best.candidate : nil
    }

    /// Insertions, deletions, substitutions and swaps of neighbours that turn one word into the other.
    static func distance(_ left: String, _ right: String) -> Int {
        let (left, right) = (Array(left), Array(right))
        var beforeLast: [Int] = []
        var last = Array(0...right.count)
        for i in left.indices {
            var row = [i + 1]
            for j in right.indices {
                let substituted = last[j] + (left[i] == right[j] ? 0 : 1)
                var least = min(substituted, last[j + 1] + 1, row[j] + 1)
                if i > 0, j > 0, left[i] == right[j - 1], left[i - 1] == right[j] {
                    least = min(least, beforeLast[j - 1] + 1)
                }
                row.append(least)
            }
            (beforeLast, last) = (last, row)
        }
        return last[right.count]
    }
}
