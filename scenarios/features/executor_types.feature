Feature: Executor Types
  Stakeholders: service providers, resource providers
  Environment: feature or testnet
  Development: implemented

  Background:
    Given the following nodes
      | nodes | role | onboarded | org   | executors            |
      | Alice | SP   | false     | nunet |                      |
      | Bob   | CP   | true      | nunet | docker               |
      | Carol | CP   | true      | nunet | firecracker          |
      | Dave  | CP   | true      | nunet | containerd           |
    And the scenario:
      """
      images:
        /srv/vm/guest.ext4: {size: 45 MB, start: 900ms, service: {output: guest is up}}
        /srv/vm/vmlinux: {size: 12 MB, start: 100ms, kernel: {}}
      """
    And the ensemble "guest.yaml":
      """
      version: "V1"
      allocations:
        guest:
          type: service
          executor: firecracker
          resources: {cpu: {cores: 1}, ram: {size: 1}, disk: {size: 2}}
          execution: {type: firecracker, kernel_image: /srv/vm/vmlinux, root_file_system: /srv/vm/guest.ext4}
      nodes:
        node1: {allocations: [guest]}
      """
    And the ensemble "containerd_hello.yaml":
      """
      version: "V1"
      allocations:
        alloc1:
          type: task
          executor: containerd
          resources: {cpu: {cores: 1}, ram: {size: 1}, disk: {size: 1}}
          execution: {type: containerd, image: hello-world}
      nodes:
        node1: {allocations: [alloc1]}
      """

  Scenario: Deploy using a Docker executor
    When "Alice" deploys "docker_hello.yaml"
    Then "Alice" deployment should have completed on "Bob"
    And "Alice" ensemble should return "Hello from Docker!"

  @deviation-executors
  Scenario: Deploy using a Firecracker executor
    When "Alice" deploys "guest.yaml"
    Then "Alice" deployment is running
    And "Alice" deployment should be running on "Carol"
    And the log of allocation "guest" of "Alice" should contain "guest is up"

  @deviation-executors
  Scenario: Deploy using a containerd executor
    When "Alice" deploys "containerd_hello.yaml"
    Then "Alice" deployment should have completed on "Dave"
    And "Alice" ensemble should return "Hello from Docker!"

  Scenario Outline: A peer without the executor does not bid
    When "Alice" deploys "<ensemble>" on "<peer>"
    Then "Alice" deployment should fail
    And "<peer>" should have refused "Alice" deployment with "no <executor> executor"
    And "Alice" deployment should never have run

    Examples:
      | ensemble              | peer  | executor    |
      | docker_hello.yaml     | Carol | docker      |
      | guest.yaml            | Bob   | firecracker |
      | containerd_hello.yaml | Bob   | containerd  |
