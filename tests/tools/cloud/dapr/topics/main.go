// Declares the topics of a file on a Kafka broker, prints what is on one, and puts something there.
//
//	topics declare BROKER FILE PLACE   (PLACE is local or cloud)
//	topics read BROKER TOPIC           (one JSON object a line, up to the end as it is now)
//	topics put BROKER TOPIC KEY MESSAGE   (prints the partition)
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/IBM/sarama"
)

type topic struct {
	Name           string           `json:"name"`
	Partitions     map[string]int32 `json:"partitions"`
	RetentionHours map[string]int64 `json:"retention_hours"`
	Compression    string           `json:"compression"`
}

// How many brokers have a copy, and how many of them must have taken a message before it counts.
var copies = map[string][2]int16{"local": {1, 1}, "cloud": {3, 2}}

type record struct {
	Partition int32             `json:"partition"`
	Offset    int64             `json:"offset"`
	Key       string            `json:"key"`
	Headers   map[string]string `json:"headers"`
	Value     string            `json:"value"`
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(args []string) error {
	config := sarama.NewConfig()
	config.Version = sarama.V3_6_0_0
	config.Consumer.Return.Errors = true
	switch {
	case len(args) == 4 && args[0] == "declare":
		return declare(config, args[1], args[2], args[3])
	case len(args) == 3 && args[0] == "read":
		return read(config, args[1], args[2])
	case len(args) == 5 && args[0] == "put":
		return put(config, args[1], args[2], args[3], args[4])
	}
	return errors.New("topics declare BROKER FILE PLACE | topics read BROKER TOPIC | topics put BROKER TOPIC KEY MESSAGE")
}

func declare(config *sarama.Config, broker, file, place string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var topics []topic
	if err := json.Unmarshal(text, &topics); err != nil {
		return err
	}
	admin, err := sarama.NewClusterAdmin([]string{broker}, config)
	if err != nil {
		return err
	}
	defer admin.Close()
	for _, topic := range topics {
		copies, known := copies[place]
		if !known || topic.Partitions[place] == 0 || topic.RetentionHours[place] == 0 {
			return fmt.Errorf("%s: nothing is said of %q", topic.Name, place)
		}
		retention := strconv.FormatInt((time.Duration(topic.RetentionHours[place]) * time.Hour).Milliseconds(), 10)
		insync := strconv.Itoa(int(copies[1]))
		err := admin.CreateTopic(topic.Name, &sarama.TopicDetail{
			NumPartitions:     topic.Partitions[place],
			ReplicationFactor: copies[0],
			ConfigEntries: map[string]*string{
				"retention.ms":        &retention,
				"compression.type":    &topic.Compression,
				"min.insync.replicas": &insync,
			},
		}, false)
		if err != nil && !errors.Is(err, sarama.ErrTopicAlreadyExists) {
			return fmt.Errorf("%s: %w", topic.Name, err)
		}
	}
	return nil
}

// A key leads to the partition that a sidecar's producer would choose: it is of the same library.
func put(config *sarama.Config, broker, topic, key, message string) error {
	config.Producer.Return.Successes = true
	producer, err := sarama.NewSyncProducer([]string{broker}, config)
	if err != nil {
		return err
	}
	defer producer.Close()
	partition, _, err := producer.SendMessage(&sarama.ProducerMessage{
		Topic: topic,
		Key:   sarama.StringEncoder(key),
		Value: sarama.StringEncoder(message),
	})
	if err != nil {
		return err
	}
	fmt.Println(partition)
	return nil
}

func read(config *sarama.Config, broker, topic string) error {
	client, err := sarama.NewClient([]string{broker}, config)
	if err != nil {
		return err
	}
	defer client.Close()
	consumer, err := sarama.NewConsumerFromClient(client)
	if err != nil {
		return err
	}
	partitions, err := client.Partitions(topic)
	if err != nil {
		return err
	}
	out := json.NewEncoder(os.Stdout)
	out.SetEscapeHTML(false)
	for _, partition := range partitions {
		end, err := client.GetOffset(topic, partition, sarama.OffsetNewest)
		if err != nil {
			return err
		}
		begin, err := client.GetOffset(topic, partition, sarama.OffsetOldest)
		if err != nil {
			return err
		}
		if begin == end {
			continue
		}
		messages, err := consumer.ConsumePartition(topic, partition, begin)
		if err != nil {
			return err
		}
		for next := begin; next < end; {
			select {
			case message := <-messages.Messages():
				next = message.Offset + 1
				headers := map[string]string{}
				for _, header := range message.Headers {
					headers[string(header.Key)] = string(header.Value)
				}
				found := record{partition, message.Offset, string(message.Key), headers, string(message.Value)}
				if err := out.Encode(found); err != nil {
					return err
				}
			case failed := <-messages.Errors():
				return failed
			case <-time.After(10 * time.Second):
				return fmt.Errorf("%s, partition %d: offset %d did not come", topic, partition, next)
			}
		}
		if err := messages.Close(); err != nil {
			return err
		}
	}
	return nil
}
