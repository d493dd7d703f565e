import Data
import Networks
import System

extension Recipe {
  /// The recipe in one sentence, for the first lines of a run.
  package var text: String {
    var parts = ["learning rate \(plain(learningRate))\(schedule.text)"] + refinements
    parts.append("momentum \(plain(momentum))")
    parts.append(weightDecay == 0 ? "no weight decay" : "weight decay \(plain(weightDecay))")
    if biasLearningRateFactor != 1 || !biasesAnneal || !biasesDecay {
      parts.append(
        "biases at \(plain(biasLearningRateFactor)) times the "
          + (biasesAnneal ? "learning rate" : "initial learning rate throughout")
          + (biasesDecay || weightDecay == 0 ? "" : ", without decay"))
    }
    parts += (layerRates ?? [:]).sorted { $0.key < $1.key }.map { layer, rates in
      "\(layer): " + rates.text
    }
    let augmentation = augmentation.text
    return "The recipe is \(name.rawValue): " + (parts + [augmentation]).joined(separator: "; ")
      + "."
  }

  /// What is done beyond the two sources, a phrase each.
  private var refinements: [String] {
    [
      baseBatch.flatMap {
        batchFactor == 1
          ? nil
          : "times \(plain(batchFactor, digits: 6)) for a batch of \(batchSize) instead of \($0)"
      },
      baseBatch != nil && warmUp == nil
        ? "warm-up over \(RunPlan.warmUpEpochs) epochs" : nil,
      warmUp.flatMap { $0 > 0 ? "warm-up over \(counted($0, "step", "steps"))" : nil },
      trust.map { "LARS with a trust coefficient of \(plain($0))" },
      clipNorm.map { "gradients clipped to a norm of \(plain($0))" },
      accumulate.map { "each batch in \($0) parts of \(partSize)" },
      balance.map {
        $0 == .weights ? "losses weighed by class" : "every class drawn as often as any other"
      },
      labelSmoothing.map { "targets smoothed by \(plain($0))" },
    ].compactMap(\.self)
  }

  /// What changes at the beginning of an epoch, counted from 1, one sentence each.
  func changes(inEpoch epoch: Int) -> [String] {
    var sentences: [String] = []
    if case .epochs(let divisor, let first) = schedule, first.contains(epoch) {
      sentences.append("the learning rate is divided by \(plain(divisor))")
    }
    for (layer, rates) in (layerRates ?? [:]).sorted(by: { $0.key < $1.key }) {
      for rate in rates where rate.fromEpoch == epoch {
        sentences.append("\(layer)'s \(rate.text)")
      }
    }
    if augmentation.hasNoise, augmentation.colourNoiseEndEpoch == epoch {
      sentences.append("colour noise ends")
    }
    return sentences
  }
}

extension LearningRateSchedule {
  /// A phrase that continues "learning rate 0.01".
  var text: String {
    switch self {
    case .plateau(let divisor, let reductions, let patience, _):
      return
        ", divided by \(plain(divisor)) when the validation error has not improved for \(patience) "
        + "validations, \(reductions == 1 ? "once" : "\(reductions) times")"
    case .steps(let divisor, let epochs):
      return ", divided by \(plain(divisor)) after "
        + "\(list(epochs.map { plain($0, digits: 6) })) epochs"
    case .epochs(let divisor, let first):
      return ", divided by \(plain(divisor)) at the start of "
        + "\(first.count == 1 ? "epoch" : "epochs") \(list(first.map(String.init)))"
    case .cosine(let epochs):
      return ", along a cosine down to 0 after \(plain(epochs, digits: 6)) epochs"
    case .table(let epochs, let rates):
      return ", "
        + zip(rates, epochs).map { "\(plain($0)) from \(plain($1, digits: 6)) epochs on" }
        .joined(separator: ", ")
    case .constant: return " throughout"
    }
  }
}

extension LayerRate {
  /// The factors in words.
  fileprivate var text: String {
    func rate(_ factor: Double) -> String {
      factor == 0
        ? "do not change"
        : factor == 1 ? "learn as the others do" : "learn at \(plain(factor)) of the rate"
    }
    return weights == biases
      ? "weights and biases \(rate(weights))"
      : "weights \(rate(weights)), its biases \(rate(biases))"
  }
}

extension [LayerRate] {
  /// The changes in order.
  var text: String {
    sorted { $0.fromEpoch < $1.fromEpoch }.map { "from epoch \($0.fromEpoch) on its \($0.text)" }
      .joined(separator: ", ")
  }
}

/// `25, 51 and 79`.
private func list(_ words: [String]) -> String {
  words.count < 2
    ? words.joined()
    : words.dropLast().joined(separator: ", ") + " and " + words[words.count - 1]
}
