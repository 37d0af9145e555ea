import ArgumentParser

/// Workers from something that manages machines already.
struct ClusterCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cluster",
        abstract: "Have workers run where Slurm, ssh, Kubernetes or systemd starts them.",
        discussion: "cluster/README.md has a chapter for each.",
        subcommands: [
            SlurmCommand.self, SSHCommand.self, KubernetesCommand.self, BundleCommand.self,
            MetricsCommand.self, DoctorCommand.self,
        ])
}
