import SweepCore
import Testing

@Suite("What comes from outside, as terminals and logs show it")
struct ShownTests {
    @Test(
        "What would move the cursor, forge a line, reorder or hide text is escaped",
        arguments: [
            ("\u{1B}[2J\u{1B}[31mred", "\\u{1B}[2J\\u{1B}[31mred"),
            ("a\r\n2026-01-01 info: forged", "a\\r\\n2026-01-01 info: forged"),
            ("tab\tbell\u{7}del\u{7F}nul\0", "tab\\tbell\\u{7}del\\u{7F}nul\\u{0}"),
            ("\u{9B}31m\u{85}", "\\u{9B}31m\\u{85}"),
            ("\u{202E}fdp.exe\u{2066}x\u{2069}", "\\u{202E}fdp.exe\\u{2066}x\\u{2069}"),
            ("no\u{200B}de\u{200D}\u{FEFF}\u{AD}", "no\\u{200B}de\\u{200D}\\u{FEFF}\\u{AD}"),
            ("\u{2028}\u{2029}\u{3164}\u{E0041}", "\\u{2028}\\u{2029}\\u{3164}\\u{E0041}"),
        ])
    func escapes(text: String, shown: String) {
        #expect(text.shown == shown)
    }

    @Test(
        "Text of any language stays as it is",
        arguments: ["", "node-7 (cuda:0)", "Zürich", "東京", "بيت", "e\u{301}", "🙂", "a\\b\"c"])
    func keeps(text: String) {
        #expect(text.shown == text)
        #expect(text.shownLines == text)
    }

    @Test("In a text of our own, line ends stay and the rest is escaped")
    func lines() {
        #expect("one\ntwo\u{1B}[0m\r\n".shownLines == "one\ntwo\\u{1B}[0m\\r\n")
    }
}
