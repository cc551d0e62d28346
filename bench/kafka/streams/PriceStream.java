import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.ObjectReader;
import com.fasterxml.jackson.databind.ObjectWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Properties;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Produced;

/**
 * The workload on Kafka Streams: parse with Jackson, check, map, write; what fails is dead-lettered by Streams itself.
 * Arguments: a file of its properties, the topic to read, the topic to write.
 */
public final class PriceStream {
  @JsonIgnoreProperties(ignoreUnknown = true)
  record Event(
      long id,
      @JsonProperty("market_slug") String market,
      String outcome,
      Double price,
      @JsonProperty("event_time") String at) {}

  record Price(long id, String market, String outcome, double price, String at) {}

  private static final ObjectMapper json = new ObjectMapper();
  private static final ObjectReader events = json.readerFor(Event.class);
  private static final ObjectWriter prices = json.writerFor(Price.class);

  public static void main(String[] arguments) throws IOException {
    var properties = new Properties();
    try (var file = Files.newBufferedReader(Path.of(arguments[0]))) {
      properties.load(file);
    }
    var builder = new StreamsBuilder();
    builder.stream(arguments[1], Consumed.with(Serdes.ByteArray(), Serdes.ByteArray()))
        .mapValues(PriceStream::convert)
        .to(arguments[2], Produced.with(Serdes.ByteArray(), Serdes.ByteArray()));
    var streams = new KafkaStreams(builder.build(), properties);
    Runtime.getRuntime().addShutdownHook(new Thread(streams::close));
    streams.start();
  }

  private static byte[] convert(byte[] bytes) {
    try {
      Event event = events.readValue(bytes);
      if (event.market == null || event.outcome == null || event.at == null || event.price == null) {
        throw new IllegalArgumentException("a field is missing");
      }
      if (event.price < 0 || event.price > 1) {
        throw new IllegalArgumentException("the price " + event.price + " is not between 0 and 1");
      }
      return prices.writeValueAsBytes(new Price(event.id, event.market, event.outcome, event.price, event.at));
    } catch (IOException failure) {
      throw new IllegalArgumentException(failure);
    }
  }
}
