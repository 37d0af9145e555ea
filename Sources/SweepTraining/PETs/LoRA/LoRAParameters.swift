/// What LoRA adds to one encoder layer: `A` [rank, H], `B` [H, rank] for query and value.
struct LoRALayer {
    let queryA: Tensor
    let queryB: Tensor
    let valueA: Tensor
    let valueB: Tensor

    /// The query's adapter, where the query's rows of a weight begin at `firstRow`.
    func query(firstRow: Int) -> Adapter { Adapter(a: queryA, b: queryB, firstRow: firstRow) }

    func value(firstRow: Int) -> Adapter { Adapter(a: valueA, b: valueB, firstRow: firstRow) }
}

/// All that is trained with LoRA: two adapters for each layer, and the head.
struct LoRAParameters {
    let layers: [LoRALayer]
    /// [classes, H]
    let headWeight: Tensor
    /// [classes]
    let headBias: Tensor
    /// `alpha / rank`
    let scale: Double
}
