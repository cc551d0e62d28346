import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Properties;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Grouped;
import org.apache.kafka.streams.kstream.Produced;
import org.apache.kafka.streams.kstream.TimeWindows;
import org.apache.kafka.streams.kstream.Windowed;

/**
 * The windowed count on Kafka Streams: by key and hour, in RocksDB, values unread; results as JSON, as Oxbow writes them.
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
    Runtime.getRuntime().addShutdownHook(new Thread(streams::close));
    streams.start();
  }

  private static String json(Windowed<String> key, long count) {
    var window = key.window();
    return "{\"window_start\":\"" + window.startTime() + "\",\"window_end\":\"" + window.endTime() + "\",\"count\":" + count + "}";
  }
}
