/// A coordinator and its workers as Kubernetes takes them. `cluster/kubernetes` holds what this
/// makes with its defaults; a test compares them.
struct KubernetesManifests {
    var imageHead: String
    var imageWorker: String
    var namespace: String
    var workers: Int
    var maxWorkers: Int
    /// Cores.
    var cpu: Int
    /// GiB.
    var memory: Int
    var gpu: Int
    /// GiB.
    var storage: Int

    typealias File = (name: String, text: String)

    private var isElastic: Bool { maxWorkers > workers }

    var files: [File] {
        [("coordinator.yaml", coordinator), ("workers.yaml", deployment)]
            + (isElastic ? [("autoscaler.yaml", autoscaler)] : []) + [("network.yaml", network)]
    }

    var kustomization: File {
        let lines = files.map { "  - \($0.name)\n" }.joined()
        return (
            "kustomization.yaml",
            "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources:\n" + lines
        )
    }

    private func metadata(_ name: String, part: String) -> String {
        """
        metadata:
          name: \(name)
          namespace: \(namespace)
          labels: { app.kubernetes.io/name: moderato, app.kubernetes.io/component: \(part) }
        """
    }

    private func labels(_ part: String) -> String {
        "{ app.kubernetes.io/name: moderato, app.kubernetes.io/component: \(part) }"
    }

    private static let podSecurity = """
              automountServiceAccountToken: false
              securityContext:
                runAsNonRoot: true
                runAsUser: 10001
                runAsGroup: 10001
                fsGroup: 10001
                fsGroupChangePolicy: OnRootMismatch
                seccompProfile: { type: RuntimeDefault }
        """

    private static let containerSecurity = """
                  securityContext:
                    allowPrivilegeEscalation: false
                    readOnlyRootFilesystem: true
                    capabilities: { drop: [ALL] }
        """

    private var coordinator: String {
        """
        # One coordinator with a volume. It goes on from its store whenever it is started anew.
        apiVersion: v1
        kind: Service
        \(metadata("moderato-coordinator", part: "coordinator"))
        spec:
          selector: \(labels("coordinator"))
          ports:
            - { name: workers, port: 5757 }
            - { name: metrics, port: 9757 }
        ---
        apiVersion: apps/v1
        kind: StatefulSet
        \(metadata("moderato-coordinator", part: "coordinator"))
        spec:
          serviceName: moderato-coordinator
          replicas: 1 # two can't share a store
          selector: { matchLabels: \(labels("coordinator")) }
          template:
            metadata:
              labels: \(labels("coordinator"))
              annotations: { prometheus.io/scrape: "true", prometheus.io/port: "9757" }
            spec:
        \(Self.podSecurity)
              terminationGracePeriodSeconds: 30
              # Here the advertised name is this pod: probes need no network, and work before the
              # Service has anybody ready.
              hostAliases:
                - { ip: 127.0.0.1, hostnames: [moderato-coordinator.\(namespace).svc] }
              containers:
                - name: coordinator
                  image: \(imageHead)
                  # The volume's group may get rights to files; keys are refused with such rights.
                  command:
                    - sh
                    - -c
                    - >-
                      chmod -R go= "$MODERATO_HOME" 2>/dev/null;
                      exec moderato coordinator --listen 0.0.0.0:5757
                      --advertise moderato-coordinator.\(namespace).svc
                  env: [{ name: MODERATO_HOME, value: /var/lib/moderato/home }]
                  ports:
                    - { name: workers, containerPort: 5757 }
                  startupProbe:
                    exec: { command: [moderato, status] }
                    timeoutSeconds: 15
                    periodSeconds: 2
                    failureThreshold: 60
                  readinessProbe:
                    exec: { command: [moderato, status] }
                    timeoutSeconds: 15
                    periodSeconds: 15
                  # While the volume is full the coordinator is silent: a restart is of no use then.
                  livenessProbe:
                    exec: { command: [moderato, status] }
                    timeoutSeconds: 15
                    periodSeconds: 60
                    failureThreshold: 10
                  resources:
                    requests: { cpu: 500m, memory: 256Mi }
                    limits: { memory: 2Gi }
        \(Self.containerSecurity)
                  volumeMounts:
                    - { name: home, mountPath: /var/lib/moderato }
                    - { name: temporary, mountPath: /tmp }
                - name: metrics
                  image: \(imageHead)
                  command: [moderato, cluster, metrics, --port, "9757"]
                  args: [--access, /var/lib/moderato/home/read-only.access]
                  ports:
                    - { name: metrics, containerPort: 9757 }
                  resources:
                    requests: { cpu: 20m, memory: 32Mi }
                    limits: { memory: 128Mi }
        \(Self.containerSecurity)
                  volumeMounts:
                    - { name: home, mountPath: /var/lib/moderato, readOnly: true }
              volumes:
                - { name: temporary, emptyDir: {} }
          volumeClaimTemplates:
            - metadata: { name: home }
              spec:
                accessModes: [ReadWriteOnce]
                resources: { requests: { storage: \(storage)Gi } }

        """
    }

    private var deployment: String {
        let replicas = isElastic ? "" : "\n  replicas: \(workers)"
        let device = gpu > 0 ? ", --device, cuda" : ""
        let gpus = gpu > 0 ? ", nvidia.com/gpu: \(gpu)" : ""
        return """
            # Workers. Their Secret moderato-access has two files of the coordinator's home,
            # worker.access and read-only.access; until it is there they wait.
            apiVersion: apps/v1
            kind: Deployment
            \(metadata("moderato-worker", part: "worker"))
            spec:\(replicas)
              selector: { matchLabels: \(labels("worker")) }
              template:
                metadata:
                  labels: \(labels("worker"))
                spec:
            \(Self.podSecurity)
                  # Time to write states, send them, and hand the runs back.
                  terminationGracePeriodSeconds: 120
                  containers:
                    - name: worker
                      image: \(imageWorker)
                      # A secret's files belong to root, readable by the group: copies are private.
                      command:
                        - sh
                        - -c
                        - >-
                          umask 077; cp /etc/moderato/*.access /var/lib/moderato/ &&
                          exec moderato worker --access /var/lib/moderato/worker.access
                          --name "$HOSTNAME" --cache /var/lib/moderato/cache "$@"
                        - worker
                      args: [--threads, "\(cpu)"\(device)]
                      # No liveness probe: a worker that hangs loses its lease after 8 s, and one
                      # whose coordinator is away has to go on training.
                      readinessProbe:
                        exec:
                          command:
                            - sh
                            - -c
                            - >-
                              moderato status --json --access /var/lib/moderato/read-only.access
                              | grep -q "\\"id\\":\\"$HOSTNAME\\""
                        timeoutSeconds: 15
                        periodSeconds: 15
                      lifecycle:
                        # The drain: states are sent, runs handed back, and the worker leaves.
                        preStop: { exec: { command: [sh, -c, kill -TERM 1] } }
                      resources:
                        requests: { cpu: "\(cpu)", memory: \(memory)Gi\(gpus) }
                        limits: { cpu: "\(cpu)", memory: \(memory)Gi\(gpus) }
            \(Self.containerSecurity)
                      volumeMounts:
                        - { name: access, mountPath: /etc/moderato, readOnly: true }
                        - { name: work, mountPath: /var/lib/moderato }
                        - { name: temporary, mountPath: /tmp }
                  volumes:
                    - name: access
                      secret: { secretName: moderato-access, defaultMode: 0440 }
                    - { name: work, emptyDir: {} }
                    - { name: temporary, emptyDir: {} }

            """
    }

    private var autoscaler: String {
        """
        # As many workers as runs are to be done, within bounds. The coordinator's pod serves
        # moderato_unfinished_runs (those that wait and those in training: by the waiting ones
        # alone, workers would be taken away from the last runs). Prometheus has to scrape it, and
        # an adapter has to offer it as external.metrics.k8s.io: prometheus-adapter with a rule
        # under 'externalRules', or KEDA. Without one, the number of workers stays as it is.
        apiVersion: autoscaling/v2
        kind: HorizontalPodAutoscaler
        \(metadata("moderato-worker", part: "worker"))
        spec:
          scaleTargetRef: { apiVersion: apps/v1, kind: Deployment, name: moderato-worker }
          minReplicas: \(workers)
          maxReplicas: \(maxWorkers)
          metrics:
            - type: External
              external:
                metric: { name: moderato_unfinished_runs }
                target: { type: AverageValue, averageValue: "1" }
          behavior:
            scaleDown: { stabilizationWindowSeconds: 300 }

        """
    }

    private var network: String {
        """
        # Who may speak with whom: workers and clients with the coordinator, nobody with workers.
        apiVersion: networking.k8s.io/v1
        kind: NetworkPolicy
        \(metadata("moderato-coordinator", part: "coordinator"))
        spec:
          podSelector: { matchLabels: \(labels("coordinator")) }
          policyTypes: [Ingress, Egress]
          ingress:
            - from:
                - podSelector: { matchLabels: { app.kubernetes.io/name: moderato } }
              ports: [{ port: 5757 }]
            - from: [{ namespaceSelector: {} }]
              ports: [{ port: 9757 }]
          egress: []
        ---
        apiVersion: networking.k8s.io/v1
        kind: NetworkPolicy
        \(metadata("moderato-worker", part: "worker"))
        spec:
          podSelector: { matchLabels: \(labels("worker")) }
          policyTypes: [Ingress, Egress]
          ingress: []
          egress:
            - to:
                - podSelector: { matchLabels: \(labels("coordinator")) }
              ports: [{ port: 5757 }]
            - to: [{ namespaceSelector: {} }]
              ports: [{ port: 53, protocol: UDP }, { port: 53 }]

        """
    }
}
