import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.function.Consumer;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.serialization.StringSerializer;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.TestInputTopic;
import org.apache.kafka.streams.TopologyTestDriver;

/**
 * Kafka Streams' answers to cases, by its TopologyTestDriver. Standard input has a case a line:
 * {"topology": kind, "settings": {...}, "records": [{"topic": "in", "key": text or null, "value": text, "timestamp": ms}]}.
 * Standard output has a line for each: a list with, for each record, {"outputs": [...], "dropped": records that were dropped}.
 */
public final class Reference {
  /** Builds one kind of topology, and hands every record that comes out of it to `output`. */
  interface Kind {
    void build(JsonNode settings, StreamsBuilder builder, Consumer<ObjectNode> output);
  }

  private static final Map<String, Kind> KINDS =
      Map.of("aggregate", new AggregateTopology(), "join", new JoinTopology());

  static final ObjectMapper JSON = new ObjectMapper();

  public static void main(String[] args) throws Exception {
    Path state = Files.createTempDirectory("oxbow-reference-");
    var lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    int number = 0;
    for (String line = lines.readLine(); line != null; line = lines.readLine()) {
      System.out.println(JSON.writeValueAsString(answer(JSON.readTree(line), state.resolve("case-" + number++))));
    }
  }

  private static ArrayNode answer(JsonNode asked, Path directory) {
    List<ObjectNode> captured = new ArrayList<>();
    var builder = new StreamsBuilder();
    KINDS.get(asked.get("topology").asText()).build(asked.get("settings"), builder, captured::add);

    ArrayNode answers = JSON.createArrayNode();
    try (var driver = new TopologyTestDriver(builder.build(), properties(directory), Instant.EPOCH)) {
      Map<String, TestInputTopic<String, String>> inputs = new HashMap<>();
      double droppedBefore = 0;
      for (JsonNode record : asked.get("records")) {
        inputs
            .computeIfAbsent(
                record.path("topic").asText("in"),
                topic -> driver.createInputTopic(topic, new StringSerializer(), new StringSerializer()))
            .pipeInput(text(record.get("key")), text(record.get("value")), record.get("timestamp").asLong());
        double dropped = dropped(driver);
        ObjectNode answer = answers.addObject().put("dropped", dropped - droppedBefore);
        answer.putArray("outputs").addAll(captured);
        captured.clear();
        droppedBefore = dropped;
      }
    }
    return answers;
  }

  private static double dropped(TopologyTestDriver driver) {
    return driver.metrics().entrySet().stream()
        .filter(metric -> metric.getKey().name().equals("dropped-records-total"))
        .mapToDouble(metric -> (double) metric.getValue().metricValue())
        .sum();
  }

  /** Results with every record: no cache, and windows that close are looked for with every record. */
  private static Properties properties(Path directory) {
    var properties = new Properties();
    properties.put(StreamsConfig.APPLICATION_ID_CONFIG, "reference");
    properties.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, "none:9092");
    properties.put(StreamsConfig.STATE_DIR_CONFIG, directory.toString());
    properties.put(StreamsConfig.DEFAULT_KEY_SERDE_CLASS_CONFIG, Serdes.StringSerde.class);
    properties.put(StreamsConfig.DEFAULT_VALUE_SERDE_CLASS_CONFIG, Serdes.StringSerde.class);
    properties.put(StreamsConfig.STATESTORE_CACHE_MAX_BYTES_CONFIG, 0);
    properties.put(StreamsConfig.InternalConfig.EMIT_INTERVAL_MS_KSTREAMS_WINDOWED_AGGREGATION, 0L);
    properties.put(StreamsConfig.InternalConfig.EMIT_INTERVAL_MS_KSTREAMS_OUTER_JOIN_SPURIOUS_RESULTS_FIX, 0L);
    return properties;
  }

  private static String text(JsonNode node) {
    return node == null || node.isNull() ? null : node.asText();
  }
}
