/// The speed of the last steps, exponentially averaged so that the progress line does not jump.
struct SpeedMeter {
  private var seconds = 0.0
  private var images = 0.0
  private var steps = 0.0
  private var exchange = 0.0
  private var wait = 0.0

  /// Records a step.
  mutating func note(_ record: StepRecord, images count: Int) {
    // Half of the weight is on the last 14 steps or so.
    let keep = 0.95
    seconds = keep * seconds + record.seconds
    images = keep * images + Double(count)
    steps = keep * steps + 1
    exchange = keep * exchange + record.exchangeSeconds
    wait = keep * wait + record.dataWaitSeconds
  }

  /// Images of the whole batch per second.
  var imagesPerSecond: Double { images / max(seconds, 1e-9) }
  /// Seconds per step.
  var secondsPerStep: Double { seconds / max(steps, 1) }
  /// Percent of the time in which this rank sent, received or waited for other ranks.
  var exchangeShare: Double { 100 * exchange / max(seconds, 1e-9) }
  /// Percent of the time in which it waited for images.
  var waitShare: Double { 100 * wait / max(seconds, 1e-9) }
}
