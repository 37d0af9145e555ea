/// Numbers in rows.
struct Matrix: Sendable {
    let rows: Int
    let columns: Int
    /// Row by row.
    var values: [Double]

    init(rows: Int, columns: Int, values: [Double]) {
        precondition(values.count == rows * columns, "\(values.count) ≠ \(rows) × \(columns)")
        self.rows = rows
        self.columns = columns
        self.values = values
    }

    init(rows: Int, columns: Int) {
        self.init(
            rows: rows, columns: columns, values: [Double](repeating: 0, count: rows * columns))
    }

    subscript(row: Int, column: Int) -> Double {
        get { values[row * columns + column] }
        set { values[row * columns + column] = newValue }
    }

    var transposed: Matrix {
        var result = Matrix(rows: columns, columns: rows)
        for row in 0..<rows {
            for column in 0..<columns { result[column, row] = self[row, column] }
        }
        return result
    }

    /// With the mean of each column taken off.
    var centred: Matrix {
        var means = [Double](repeating: 0, count: columns)
        for row in 0..<rows {
            for column in 0..<columns { means[column] += self[row, column] / Double(rows) }
        }
        var result = self
        for row in 0..<rows {
            for column in 0..<columns { result[row, column] -= means[column] }
        }
        return result
    }

    /// The figure that `measure` gives for each two rows, which does not depend on their order.
    func pairs(_ measure: (UnsafePointer<Double>, UnsafePointer<Double>, Int) -> Double) -> Matrix {
        var result = Matrix(rows: rows, columns: rows)
        values.withUnsafeBufferPointer { buffer in
            guard let base = buffer.baseAddress else { return }
            for row in 0..<rows {
                for other in 0...row {
                    let value = measure(base + row * columns, base + other * columns, columns)
                    result[row, other] = value
                    result[other, row] = value
                }
            }
        }
        return result
    }

    /// `self · otherᵀ`, which reads both row by row.
    func multiplied(byTransposeOf other: Matrix) -> Matrix {
        precondition(columns == other.columns)
        var result = Matrix(rows: rows, columns: other.rows)
        values.withUnsafeBufferPointer { left in
            other.values.withUnsafeBufferPointer { right in
                guard let left = left.baseAddress, let right = right.baseAddress else { return }
                for row in 0..<rows {
                    for column in 0..<other.rows {
                        result[row, column] = dot(
                            left + row * columns, right + column * columns, columns)
                    }
                }
            }
        }
        return result
    }
}

func dot(_ left: UnsafePointer<Double>, _ right: UnsafePointer<Double>, _ count: Int) -> Double {
    folded(left, right, count) { $0 * $1 }
}

func squaredDistance(
    _ left: UnsafePointer<Double>, _ right: UnsafePointer<Double>, _ count: Int
) -> Double {
    folded(left, right, count) { ($0 - $1) * ($0 - $1) }
}

/// Sums in a fixed order, eight at a time.
@inline(__always)
private func folded(
    _ left: UnsafePointer<Double>, _ right: UnsafePointer<Double>, _ count: Int,
    _ term: (SIMD8<Double>, SIMD8<Double>) -> SIMD8<Double>
) -> Double {
    let (left, right) = (UnsafeRawPointer(left), UnsafeRawPointer(right))
    let size = MemoryLayout<Double>.stride
    var sum = SIMD8<Double>.zero
    let whole = count & ~7
    for place in stride(from: 0, to: whole, by: 8) {
        sum += term(
            left.loadUnaligned(fromByteOffset: place * size, as: SIMD8<Double>.self),
            right.loadUnaligned(fromByteOffset: place * size, as: SIMD8<Double>.self))
    }
    if whole < count {
        var (tail, other) = (SIMD8<Double>.zero, SIMD8<Double>.zero)
        for place in whole..<count {
            tail[place - whole] = left.load(fromByteOffset: place * size, as: Double.self)
            other[place - whole] = right.load(fromByteOffset: place * size, as: Double.self)
        }
        sum += term(tail, other)
    }
    return sum.sum()
}
