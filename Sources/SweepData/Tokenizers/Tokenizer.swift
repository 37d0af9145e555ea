/// Turns sentences into the token numbers that a model was trained with.
package protocol Tokenizer: Sendable {
    /// One more than the largest token number that `encode` gives.
    var vocabularySize: Int { get }

    /// The sentence's tokens between the model's special ones, at most `maxLength` in all: what
    /// does not fit is cut off at the sentence's end.
    func encode(_ sentence: String, maxLength: Int) -> [Int32]
}

/// The special tokens that a model wants around every sentence.
struct Frame: Hashable, Sendable {
    let before: [Int32]
    let after: [Int32]

    /// Puts the frame around what `append` gives, which may stop at the limit it is told.
    func around(maxLength: Int, _ append: (_ tokens: inout [Int32], _ limit: Int) -> Void)
        -> [Int32]
    {
        var tokens = before
        let limit = max(before.count, maxLength - after.count)
        append(&tokens, limit)
        if tokens.count > limit { tokens.removeLast(tokens.count - limit) }
        return tokens + after
    }
}
