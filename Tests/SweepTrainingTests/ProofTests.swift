import Testing

@testable import SweepTraining

extension TrainingTests {
    @MainActor @Suite struct Proof {
        @Test("The processor proves itself")
        func processor() throws { try Torch.prove(threads: 1, device: .processor) }

        @Test("A missing device is named in one line, with what libtorch said and the cure")
        func noDevice() throws {
            let error = try #require(throws: TrainingError.self) {
                try Torch.prove(threads: 1, device: .cuda(63))
            }
            for word in ["cuda:63", "failed: ", "--device cpu", "nvidia-smi"] {
                #expect(error.description.contains(word), "\(error)")
            }
            #expect(error.description.split(whereSeparator: \.isNewline).count == 1, "\(error)")
        }
    }
}
