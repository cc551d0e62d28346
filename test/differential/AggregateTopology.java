import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Duration;
import java.util.function.Consumer;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.kstream.Aggregator;
import org.apache.kafka.streams.kstream.EmitStrategy;
import org.apache.kafka.streams.kstream.Initializer;
import org.apache.kafka.streams.kstream.KGroupedStream;
import org.apache.kafka.streams.kstream.KTable;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.Merger;
import org.apache.kafka.streams.kstream.SessionWindows;
import org.apache.kafka.streams.kstream.SlidingWindows;
import org.apache.kafka.streams.kstream.Suppressed;
import org.apache.kafka.streams.kstream.Suppressed.BufferConfig;
import org.apache.kafka.streams.kstream.TimeWindows;
import org.apache.kafka.streams.kstream.Windowed;
import org.apache.kafka.streams.processor.api.ContextualProcessor;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.SessionStore;
import org.apache.kafka.streams.state.WindowStore;

/**
 * The records of "in", grouped by key, their values joined by commas in the order they come. Settings, in milliseconds:
 * {"window": "none" | "fixed" | "sliding" | "session", "size", "every", "grace", "retention",
 * "emit": "update" | "close" (onWindowClose) | "suppress" (untilWindowCloses)}; the size of sessions is their gap.
 * "retention" is that of the store.
 */
final class AggregateTopology implements Reference.Kind {
  private static final Initializer<String> INITIAL = () -> "";
  private static final Aggregator<String, String, String> ADD = (key, value, joined) -> join(joined, value);
  private static final Merger<String, String> MERGE = (key, one, other) -> join(one, other);

  @Override
  public void build(JsonNode settings, StreamsBuilder builder, Consumer<ObjectNode> output) {
    KGroupedStream<String, String> groups = builder.<String, String>stream("in").groupByKey();
    if (settings.get("window").asText().equals("none")) {
      groups.aggregate(INITIAL, ADD).toStream().process(() -> new Output<>(output));
      return;
    }
    KTable<Windowed<String>, String> table = windowed(groups, settings);
    KTable<Windowed<String>, String> results =
        settings.get("emit").asText().equals("suppress")
            ? table.suppress(Suppressed.untilWindowCloses(BufferConfig.unbounded()))
            : table;
    results.toStream().process(() -> new Output<>(output));
  }

  private static KTable<Windowed<String>, String> windowed(KGroupedStream<String, String> groups, JsonNode settings) {
    Duration size = duration(settings, "size");
    Duration grace = duration(settings, "grace");
    Duration retention = duration(settings, "retention");
    EmitStrategy emit =
        settings.get("emit").asText().equals("close") ? EmitStrategy.onWindowClose() : EmitStrategy.onWindowUpdate();
    Materialized<String, String, WindowStore<Bytes, byte[]>> windows =
        Materialized.<String, String, WindowStore<Bytes, byte[]>>as("store")
            .withKeySerde(Serdes.String())
            .withValueSerde(Serdes.String())
            .withRetention(retention);
    return switch (settings.get("window").asText()) {
      case "fixed" -> groups
          .windowedBy(TimeWindows.ofSizeAndGrace(size, grace).advanceBy(duration(settings, "every")))
          .emitStrategy(emit)
          .aggregate(INITIAL, ADD, windows);
      case "sliding" -> groups
          .windowedBy(SlidingWindows.ofTimeDifferenceAndGrace(size, grace))
          .emitStrategy(emit)
          .aggregate(INITIAL, ADD, windows);
      case "session" -> groups
          .windowedBy(SessionWindows.ofInactivityGapAndGrace(size, grace))
          .emitStrategy(emit)
          .aggregate(
              INITIAL,
              ADD,
              MERGE,
              Materialized.<String, String, SessionStore<Bytes, byte[]>>as("store")
                  .withKeySerde(Serdes.String())
                  .withValueSerde(Serdes.String())
                  .withRetention(retention));
      default -> throw new IllegalArgumentException(settings.toString());
    };
  }

  private static String join(String one, String other) {
    return one.isEmpty() ? other : other.isEmpty() ? one : one + "," + other;
  }

  private static Duration duration(JsonNode settings, String name) {
    return Duration.ofMillis(settings.get(name).asLong());
  }

  /** Hands on what comes out, as JSON. */
  private static final class Output<K> extends ContextualProcessor<K, String, Void, Void> {
    private final Consumer<ObjectNode> output;

    Output(Consumer<ObjectNode> output) {
      this.output = output;
    }

    @Override
    public void process(Record<K, String> record) {
      ObjectNode json = Reference.JSON.createObjectNode();
      if (record.key() instanceof Windowed<?> windowed) {
        json.put("key", (String) windowed.key())
            .put("start", windowed.window().start())
            .put("end", windowed.window().end());
      } else {
        json.put("key", (String) record.key());
      }
      output.accept(json.put("value", record.value()).put("timestamp", record.timestamp()));
    }
  }
}
