import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Properties;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Grouped;
import org.apache.kafka.streams.kstream.Produced;
import org.apache.kafka.streams.kstream.TimeWindows;
import org.apache.kafka.streams.kstream.Windowed;
import org.apache.kafka.streams.processor.StateRestoreListener;

/**
 * The windowed count on Kafka Streams: by key and hour, in RocksDB, values unread; results as JSON, as Oxbow writes them.
 * Says on standard output, a line of JSON each, what of its state was restored, and when it runs.
 * Arguments: a file of its properties, the topic to read, the topic to write.
 */
public final class CountStream {
  public static void main(String[] arguments) throws IOException {
    var properties = new Properties();
    try (var file = Files.newBufferedReader(Path.of(arguments[0]))) {
      properties.load(file);
    }
    var builder = new StreamsBuilder();
    builder.stream(arguments[1], Consumed.with(Serdes.String(), Serdes.ByteArray()))
        .groupByKey(Grouped.with(Serdes.String(), Serdes.ByteArray()))
        .windowedBy(TimeWindows.ofSizeWithNoGrace(Duration.ofHours(1)))
        .count()
        .toStream()
        .map((key, count) -> KeyValue.pair(key.key(), json(key, count)))
        .to(arguments[2], Produced.with(Serdes.String(), Serdes.String()));
    var streams = new KafkaStreams(builder.build(), properties);
    streams.setStateListener(
        (now, before) -> {
          if (now == KafkaStreams.State.RUNNING) say("Running.", 0);
        });
    streams.setGlobalStateRestoreListener(new Restored());
    Runtime.getRuntime().addShutdownHook(new Thread(streams::close));
    streams.start();
  }

  private static final class Restored implements StateRestoreListener {
    @Override
    public void onRestoreStart(TopicPartition place, String store, long from, long end) {}

    @Override
    public void onBatchRestored(TopicPartition place, String store, long end, long records) {}

    @Override
    public void onRestoreEnd(TopicPartition place, String store, long records) {
      say("Restored " + place + ".", records);
    }
  }

  private static void say(String message, long records) {
    System.out.println("{\"time\":\"" + Instant.now() + "\",\"records\":" + records + ",\"message\":\"" + message + "\"}");
  }

  private static String json(Windowed<String> key, long count) {
    var window = key.window();
    return "{\"window_start\":\"" + window.startTime() + "\",\"window_end\":\"" + window.endTime() + "\",\"count\":" + count + "}";
  }
}
