import Foundation

/// The program that shows long text on a terminal, page by page.
enum Pager {
    /// Runs `body`; what it says goes through the pager if there is a terminal and a pager.
    ///
    /// - Parameter lines: of text that is to come; a text that fits the terminal needs no pager.
    static func show(_ lines: Int, _ body: () -> Void) {
        guard Terminal.canRedraw, lines >= Terminal.height ?? .max, let pager = start() else {
            return body()
        }
        // The pager says what Ctrl-C means while it is there.
        signal(SIGINT, SIG_IGN)
        signal(SIGPIPE, SIG_IGN)
        Output.quietEnd = { wait(for: pager) }
        body()
        wait(for: pager)
    }

    static var isThere: Bool { command != nil }

    /// As git does it: `$PAGER`, or `less` where there is one.
    private static var command: String? {
        let environment = ProcessInfo.processInfo.environment
        if let chosen = environment["PAGER"] {
            return ["", "cat"].contains(chosen) ? nil : chosen
        }
        let folders = (environment["PATH"] ?? "").split(separator: ":")
        return folders.contains { access("\($0)/less", X_OK) == 0 } ? "less" : nil
    }

    /// Starts it with a pipe from this process's standard output. Not by Foundation's `Process`,
    /// whose children lead groups: only the terminal's own group may read its keys.
    private static func start() -> pid_t? {
        guard let command else { return nil }
        var ends: [Int32] = [0, 0]
        guard pipe(&ends) == 0 else { return nil }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        posix_spawn_file_actions_adddup2(&actions, ends[0], 0)
        defer { posix_spawn_file_actions_destroy(&actions) }
        // Colours pass; Ctrl-C ends it; a page that fits is left on the screen.
        setenv("LESS", "FRXK", 0)
        setenv("LESSCHARSET", "utf-8", 0)
        let words: [UnsafeMutablePointer<CChar>?] =
            ["sh", "-c", command].map { (word: String) in strdup(word) } + [nil]
        defer { for word in words { free(word) } }
        var pager = pid_t()
        let isStarted = posix_spawnp(&pager, "sh", &actions, nil, words, environ) == 0
        close(ends[0])
        if isStarted { dup2(ends[1], 1) }
        close(ends[1])
        return isStarted ? pager : nil
    }

    private static func wait(for pager: pid_t) -> Never {
        close(1)
        var status: Int32 = 0
        while waitpid(pager, &status, 0) < 0, errno == EINTR {}
        // The low bits are the signal that ended it; less exits with 2 after Ctrl-C.
        let isInterrupted = status & 0x7F == SIGINT || status >> 8 & 0xFF == 2
        _exit(isInterrupted ? Exit.interrupted.rawValue : 0)
    }
}
