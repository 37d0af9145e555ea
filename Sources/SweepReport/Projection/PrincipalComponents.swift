import SweepCore

/// The directions in which rows vary most (Pearson, 1901).
///
/// A component points to the side on which its entry of largest size is positive.
struct PrincipalComponents {
    /// A unit vector in each row, by falling variance; zeros where nothing varies any more.
    let components: Matrix
    /// The rows' coordinates on the components; a row for each.
    let scores: Matrix
    /// Variances (with n − 1).
    let variances: [Double]
    /// Their shares of the variance of all columns together, in `0 ... 1`.
    let shares: [Double]

    /// Directions beside the wanted ones that are iterated on; they make it converge.
    private static let spare = 10
    private static let mostIterations = 2_000

    /// - Parameter count: How many components; where there are fewer columns, the rest is zeros.
    init(of data: Matrix, count: Int = 2) {
        let centred = data.centred
        // The smaller of XᵀX and XXᵀ has the same eigenvalues.
        let isTall = data.columns <= data.rows
        let sides = isTall ? centred.transposed : centred
        let products = sides.pairs(dot)
        let trace = (0..<products.rows).reduce(0) { $0 + products[$1, $1] }
        let (values, vectors) = PrincipalComponents.largest(count, of: products, trace: trace)
        var components = Matrix(rows: count, columns: data.columns)
        for (index, value) in values.enumerated() where value > 1e-13 * trace {
            let vector = Matrix(rows: 1, columns: products.rows, values: vectors[index])
            let direction =
                isTall ? vector : vector.multiplied(byTransposeOf: centred.transposed)
            let length = direction.values.withUnsafeBufferPointer {
                $0.baseAddress.map { dot($0, $0, direction.columns) } ?? 1
            }.squareRoot()
            let top = direction.values.max { abs($0) < abs($1) } ?? 1
            let scale = (top < 0 ? -1 : 1) / length
            for column in 0..<data.columns {
                components[index, column] = direction.values[column] * scale
            }
        }
        self.components = components
        scores = centred.multiplied(byTransposeOf: components)
        let padded = values + Array(repeating: 0, count: count - values.count)
        variances = padded.map { max(0, $0) / Double(max(1, data.rows - 1)) }
        shares = padded.map { trace > 0 ? max(0, $0) / trace : 0 }
    }

    /// Eigenvalues and eigenvectors of a symmetric matrix without negative ones, by orthogonal
    /// iteration with a Rayleigh-Ritz step (Golub & Van Loan, 8.2.4).
    private static func largest(
        _ count: Int, of matrix: Matrix, trace: Double
    ) -> (values: [Double], vectors: [[Double]]) {
        let side = matrix.rows
        let wanted = min(count, side)
        guard trace > 0 else { return ([Double](repeating: 0, count: wanted), []) }
        let size = min(side, count + spare)
        var random = RandomSource(seed: 0)
        // A vector in each row.
        var basis = Matrix(rows: size, columns: side)
        for index in basis.values.indices {
            basis.values[index] = Double.random(in: -1...1, using: &random)
        }
        orthonormalize(&basis)
        var values: [Double] = []
        for _ in 0..<mostIterations {
            let image = basis.multiplied(byTransposeOf: matrix)
            let (ritz, rotation) = eigen(basis.multiplied(byTransposeOf: image))
            basis = rotation.multiplied(byTransposeOf: basis.transposed)
            let rotated = rotation.multiplied(byTransposeOf: image.transposed)
            values = ritz
            let isDone = (0..<wanted).allSatisfy { index in
                let residual = (0..<side).reduce(0) { sum, place in
                    let error = rotated[index, place] - ritz[index] * basis[index, place]
                    return sum + error * error
                }
                return residual.squareRoot() <= 1e-12 * trace
            }
            if isDone { break }
            basis = rotated
            orthonormalize(&basis)
        }
        return (
            Array(values.prefix(wanted)),
            (0..<wanted).map { Array(basis.values[$0 * side..<($0 + 1) * side]) }
        )
    }

    /// Gram-Schmidt, twice. A row that the ones above leave nothing of becomes zeros.
    private static func orthonormalize(_ basis: inout Matrix) {
        let width = basis.columns
        basis.values.withUnsafeMutableBufferPointer { buffer in
            guard let base = buffer.baseAddress else { return }
            for row in 0..<basis.rows {
                let own = base + row * width
                let before = dot(own, own, width).squareRoot()
                for _ in 0..<2 {
                    for other in 0..<row {
                        let share = dot(own, base + other * width, width)
                        for place in 0..<width { own[place] -= share * base[other * width + place] }
                    }
                }
                let length = dot(own, own, width).squareRoot()
                let scale = length > 1e-14 * before && length > 0 ? 1 / length : 0
                for place in 0..<width { own[place] *= scale }
            }
        }
    }

    /// All eigenvalues of a small symmetric matrix, falling, with an eigenvector in each row:
    /// cyclic Jacobi rotations (Golub & Van Loan, 8.5).
    private static func eigen(_ symmetric: Matrix) -> (values: [Double], vectors: Matrix) {
        var matrix = symmetric
        let size = matrix.rows
        var vectors = Matrix(rows: size, columns: size)
        for index in 0..<size { vectors[index, index] = 1 }
        let norm = matrix.values.reduce(0) { $0 + $1 * $1 }
        for _ in 0..<60 {
            var rest = 0.0
            for row in 0..<size {
                for column in 0..<row { rest += 2 * matrix[row, column] * matrix[row, column] }
            }
            if rest <= 1e-30 * norm { break }
            for row in 0..<size {
                for column in (row + 1)..<max(size, row + 1) where matrix[row, column] != 0 {
                    rotate(&matrix, &vectors, row, column)
                }
            }
        }
        let order = (0..<size).sorted { matrix[$0, $0] > matrix[$1, $1] }
        var sorted = Matrix(rows: size, columns: size)
        for (place, index) in order.enumerated() {
            for column in 0..<size { sorted[place, column] = vectors[index, column] }
        }
        return (order.map { matrix[$0, $0] }, sorted)
    }

    /// Makes the entry at (p, q) zero.
    private static func rotate(_ matrix: inout Matrix, _ vectors: inout Matrix, _ p: Int, _ q: Int)
    {
        let theta = (matrix[q, q] - matrix[p, p]) / (2 * matrix[p, q])
        let sign: Double = theta < 0 ? -1 : 1
        let tangent = sign / (abs(theta) + (theta * theta + 1).squareRoot())
        let cosine = 1 / (tangent * tangent + 1).squareRoot()
        let sine = tangent * cosine
        for index in 0..<matrix.rows {
            let (left, right) = (matrix[index, p], matrix[index, q])
            matrix[index, p] = cosine * left - sine * right
            matrix[index, q] = sine * left + cosine * right
        }
        for index in 0..<matrix.rows {
            let (left, right) = (matrix[p, index], matrix[q, index])
            matrix[p, index] = cosine * left - sine * right
            matrix[q, index] = sine * left + cosine * right
            let (old, other) = (vectors[p, index], vectors[q, index])
            vectors[p, index] = cosine * old - sine * other
            vectors[q, index] = sine * old + cosine * other
        }
    }
}
