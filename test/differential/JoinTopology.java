import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Duration;
import java.util.function.Consumer;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.kstream.GlobalKTable;
import org.apache.kafka.streams.kstream.JoinWindows;
import org.apache.kafka.streams.kstream.KStream;
import org.apache.kafka.streams.kstream.KTable;
import org.apache.kafka.streams.kstream.StreamJoined;
import org.apache.kafka.streams.kstream.ValueJoiner;
import org.apache.kafka.streams.processor.api.ContextualProcessor;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.Stores;
import org.apache.kafka.streams.state.WindowBytesStoreSupplier;

/**
 * The records of "left" joined with those of "right", a result's value "left+right", without what is not there. Settings,
 * in milliseconds: {"kind": "windowed" | "table" | "latest" | "foreignKey" | "global", "type": "inner" | "left" | "outer", "before", "after",
 * "grace", "store": "memory" | "disk"}.
 */
final class JoinTopology implements Reference.Kind {
  private static final ValueJoiner<String, String, String> JOIN = (left, right) -> orNone(left) + "+" + orNone(right);

  @Override
  public void build(JsonNode settings, StreamsBuilder builder, Consumer<ObjectNode> output) {
    joined(settings, builder).process(() -> new Output(output));
  }

  private static KStream<String, String> joined(JsonNode settings, StreamsBuilder builder) {
    String type = settings.get("type").asText();
    switch (settings.get("kind").asText()) {
      case "windowed":
        return windowed(builder.stream("left"), builder.stream("right"), type, settings);
      case "table":
        KStream<String, String> left = builder.stream("left");
        KTable<String, String> rows = builder.table("right");
        return type.equals("left") ? left.leftJoin(rows, JOIN) : left.join(rows, JOIN);
      case "latest":
        return latest(builder.table("left"), builder.table("right"), type).toStream();
      case "foreignKey":
        return byForeignKey(builder.table("left"), builder.table("right"), type).toStream();
      case "global":
        KStream<String, String> referring = builder.stream("left");
        GlobalKTable<String, String> all = builder.globalTable("right");
        return type.equals("left")
            ? referring.leftJoin(all, (key, value) -> foreignKeyOf(value), JOIN)
            : referring.join(all, (key, value) -> foreignKeyOf(value), JOIN);
      default:
        throw new IllegalArgumentException("no such kind: " + settings.get("kind"));
    }
  }

  private static KTable<String, String> latest(KTable<String, String> left, KTable<String, String> right, String type) {
    if (type.equals("outer")) return left.outerJoin(right, JOIN);
    return type.equals("left") ? left.leftJoin(right, JOIN) : left.join(right, JOIN);
  }

  private static KTable<String, String> byForeignKey(
      KTable<String, String> left, KTable<String, String> right, String type) {
    return type.equals("left")
        ? left.leftJoin(right, JoinTopology::foreignKeyOf, JOIN)
        : left.join(right, JoinTopology::foreignKeyOf, JOIN);
  }

  /** What stands before the colon of a left value; null for nothing. */
  private static String foreignKeyOf(String value) {
    int end = value == null ? 0 : value.indexOf(':');
    return end <= 0 ? null : value.substring(0, end);
  }

  private static KStream<String, String> windowed(
      KStream<String, String> left, KStream<String, String> right, String type, JsonNode settings) {
    Duration before = Duration.ofMillis(settings.get("before").asLong());
    Duration after = Duration.ofMillis(settings.get("after").asLong());
    Duration grace = Duration.ofMillis(settings.get("grace").asLong());
    JoinWindows windows =
        JoinWindows.ofTimeDifferenceAndGrace(Duration.ZERO, grace).before(before).after(after);
    StreamJoined<String, String, String> stores = StreamJoined.with(Serdes.String(), Serdes.String(), Serdes.String());
    if (settings.get("store").asText().equals("memory")) {
      Duration size = before.plus(after);
      stores =
          stores
              .withThisStoreSupplier(inMemory("this", size.plus(grace), size))
              .withOtherStoreSupplier(inMemory("other", size.plus(grace), size));
    }
    if (type.equals("outer")) return left.outerJoin(right, JOIN, windows, stores);
    return type.equals("left") ? left.leftJoin(right, JOIN, windows, stores) : left.join(right, JOIN, windows, stores);
  }

  private static WindowBytesStoreSupplier inMemory(String name, Duration retention, Duration size) {
    return Stores.inMemoryWindowStore(name, retention, size, true);
  }

  private static String orNone(String value) {
    return value == null ? "" : value;
  }

  private static final class Output extends ContextualProcessor<String, String, Void, Void> {
    private final Consumer<ObjectNode> output;

    private Output(Consumer<ObjectNode> output) {
      this.output = output;
    }

    @Override
    public void process(Record<String, String> record) {
      output.accept(
          Reference.JSON
              .createObjectNode()
              .put("key", record.key())
              .put("value", record.value())
              .put("timestamp", record.timestamp()));
    }
  }
}
