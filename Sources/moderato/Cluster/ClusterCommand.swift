import ArgumentParser

/// Workers from an engine that manages machines already.
struct ClusterCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cluster",
        abstract: "Sweeps whose workers come from an engine that manages machines.",
        subcommands: [SlurmCommand.self])
}
