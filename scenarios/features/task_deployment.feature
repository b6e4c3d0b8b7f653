Feature: Task Deployment
  Stakeholders: service providers
  Environment: feature or testnet
  Development: implemented

  Background:
    Given the following nodes:
      | nodes | role | onboarded | org   |
      | Alice | SP   | false     | nunet |
      | Bob   | CP   | true      | nunet |
      | Carol | CP   | true      | nunet |
    And the ensemble "two_tasks.yaml":
      """
      version: "V1"
      allocations:
        first: &task
          type: task
          executor: docker
          resources: {cpu: {cores: 1}, ram: {size: 1}, disk: {size: 1}}
          execution: {type: docker, image: hello-world}
        second: *task
      nodes:
        node1: {allocations: [first, second]}
      """
    And the ensemble "two_nodes.yaml":
      """
      version: "V1"
      allocations:
        first: &task
          type: task
          executor: docker
          resources: {cpu: {cores: 1}, ram: {size: 1}, disk: {size: 1}}
          execution: {type: docker, image: hello-world}
        second: *task
      nodes:
        node1: {allocations: [first], peer: bob}
        node2: {allocations: [second], peer: carol}
      """

  @open
  Scenario: A task runs on any peer
    When "Alice" deploys "docker_hello.yaml"
    Then "Alice" deployment should succeed
    And "Alice" ensemble should return "Hello from Docker!"

  Scenario: A task runs on the peer that it is meant for
    When "Alice" deploys "docker_hello.yaml" on "Bob"
    Then "Alice" deployment should have completed on "Bob"
    And "Alice" ensemble should return "Hello from Docker!"

  Scenario: Two tasks run on one node
    When "Alice" deploys "two_tasks.yaml" on "Carol"
    Then "Alice" deployment should have completed on "Carol"
    And the log of allocation "first" of "Alice" should contain "Hello from Docker!"
    And the log of allocation "second" of "Alice" should contain "Hello from Docker!"

  Scenario: Two nodes run on different peers
    When "Alice" deploys "two_nodes.yaml"
    Then "Alice" deployment should have completed on "Bob"
    And "Alice" deployment should have completed on "Carol"
    And the log of allocation "second" of "Alice" should contain "Hello from Docker!"
