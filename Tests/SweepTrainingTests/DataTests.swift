import Foundation
import SweepCore
import SweepData
import Testing

@testable import SweepTraining

@Suite struct ModelConfigurations {
    @Test("A config.json that cannot be used is refused with the reason")
    func badConfigurations() {
        func problem(_ text: String) -> String {
            do {
                _ = try EncoderConfiguration(
                    ModelConfiguration(parsing: Array(text.utf8), path: "config.json"))
                return "none"
            } catch {
                return "\(error)"
            }
        }
        let sizes =
            #""vocab_size":9,"num_hidden_layers":1,"intermediate_size":4,"#
            + #""max_position_embeddings":8"#
        #expect(problem("{\(sizes)}").contains("'hidden_size' is missing"))
        #expect(problem("[").contains("not a JSON object"))
        let full = sizes + #","num_attention_heads":2,"#
        #expect(
            problem("{\(full)\"hidden_size\":\"x\"}").contains(
                "'hidden_size' is not a whole number"))
        #expect(problem("{\(full)\"hidden_size\":5}").contains("no multiple"))
        #expect(problem("{\(full)\"hidden_size\":4,\"model_type\":\"gpt2\"}").contains("gpt2"))
        #expect(problem("{\(full)\"hidden_size\":4}") == "none")
    }
}
